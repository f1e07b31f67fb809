"""The entry that tells what is missing from an archive that was made all the same.

Owns its name, its words and its bytes. Leaves writing it to `finish_local`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from packmule.assembly.own_entry import OwnEntry, free_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packmule.jobs.model import DoneEntry, FailedEntry, Source

NAME = "_missing.txt"
_HEAD = "These files could not be fetched and are not in this archive.\n"


def report(
    sources: Sequence[Source], failed: Iterable[FailedEntry], done: Iterable[DoneEntry]
) -> OwnEntry | None:
    """Return the entry that lists each failed source in order; None where none failed."""
    blocks = [
        _block(sources[one.position], one) for one in sorted(failed, key=lambda one: one.position)
    ]
    if not blocks:
        return None
    name = free_name(NAME, (entry.name for entry in done))
    return OwnEntry(name, "\n".join([_HEAD, *blocks]).encode())


def _block(source: Source, one: FailedEntry) -> str:
    lines = [("url", without_secrets(source.url)), ("name", one.name)]
    lines += [("code", str(one.failure.code)), ("detail", one.failure.detail)]
    return "".join(f"{word}: {_line(text)}\n" for word, text in lines if text)


def without_secrets(url: str) -> str:
    """Return a link without its query, its fragment, and a user's name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _line(text: str) -> str:
    """Keep a stranger's text on its line, and such that UTF-8 can hold it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
