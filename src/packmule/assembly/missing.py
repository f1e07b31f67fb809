"""The entry that tells what is missing from an archive that was made all the same.

Owns its name, its words and its bytes. Leaves writing it to `finish_local`. Made anew from what
failed each time an archive is finished, so no checkpoint knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from isal.isal_zlib import crc32

from packmule.zipformat.layout import Entry
from packmule.zipformat.names import clash_key, with_suffix
from packmule.zipformat.records import STORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packmule.jobs.model import DoneEntry, FailedEntry, Source

NAME = "_missing.txt"
_HEAD = "These files could not be fetched and are not in this archive.\n"


@dataclass(frozen=True, slots=True)
class MissingReport:
    """The entry's name and body."""

    name: str
    body: bytes

    def entry(self, offset: int) -> Entry:
        """Return where it lies, its local header at `offset`."""
        size = len(self.body)
        return Entry(self.name.encode(), STORED, crc32(self.body), size, size, offset, None)


def report(
    sources: Sequence[Source], failed: Iterable[FailedEntry], done: Iterable[DoneEntry]
) -> MissingReport | None:
    """Return the entry that lists each failed source in order; None where none failed."""
    blocks = [
        _block(sources[one.position], one) for one in sorted(failed, key=lambda one: one.position)
    ]
    if not blocks:
        return None
    return MissingReport(
        _free_name(entry.name for entry in done), "\n".join([_HEAD, *blocks]).encode()
    )


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


def _free_name(names: Iterable[str]) -> str:
    """Return the first name that is no entry's and no folder's."""
    taken = set()
    for name in names:
        taken.add(clash_key(name))
        if "/" in name:
            taken.add(clash_key(name.partition("/")[0]))
    name, number = NAME, 0
    while clash_key(name) in taken:
        number += 1
        name = with_suffix(NAME, number)
    return name
