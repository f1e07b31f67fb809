"""What the site has that the documents on their own have not: folders in its menu, links that end.

Owns two small changes that MkDocs makes by its hooks. An entry of the menu that names a folder
becomes the folder's pages, so that a new decision needs no entry. A link to a file beside the
documents, as a reader of the repository follows it, becomes the file's name.
"""  # noqa: INP001 - a hook of MkDocs, found by its path

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINK = re.compile(r"\[([^\]]+)\]\(([^):\s#]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Put the pages of a folder in its place in the menu."""
    config.nav = list(_filled(config.nav, Path(config.docs_dir)))
    return config


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Leave of a link that leads out of the documents what it says."""
    folder = posixpath.dirname(page.file.src_uri)

    def inside_only(found: re.Match[str]) -> str:
        leads_to = posixpath.normpath(posixpath.join(folder, found[2]))
        return found[1] if leads_to.startswith("../") else found[0]

    return _LINK.sub(inside_only, markdown)


def _filled(entries: list[Any], docs: Path) -> Iterator[Any]:
    for entry in entries:
        [(title, what)] = entry.items()
        if isinstance(what, list):
            yield {title: list(_filled(what, docs))}
        elif what.endswith("/"):
            pages = sorted((docs / what).glob("*.md"), key=_index_first)
            yield {title: [f"{what}{page.name}" for page in pages]}
        else:
            yield entry


def _index_first(page: Path) -> tuple[bool, str]:
    return page.name != "index.md", page.name
