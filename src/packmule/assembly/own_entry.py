"""An entry that is no file of the caller's: what is missing, or a part of the manifest.

Owns its value, and a name for it that nobody has. Leaves what it says to `missing` and `manifest/`,
writing it to `finish_local`. Made each time an archive is finished, so no checkpoint knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from packmule.zipformat.layout import Entry
from packmule.zipformat.names import clash_key, with_suffix
from packmule.zipformat.records import STORED

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """The entry's name and body."""

    name: str
    body: bytes

    def entry(self, offset: int) -> Entry:
        """Return where it lies, its local header at `offset`."""
        size = len(self.body)
        return Entry(self.name.encode(), STORED, crc32(self.body), size, size, offset, None)


def free_name(wanted: str, names: Iterable[str]) -> str:
    """Return the wanted name, or the first with a number that is no entry's and no folder's."""
    taken = set()
    for name in names:
        taken.add(clash_key(name))
        if "/" in name:
            taken.add(clash_key(name.partition("/")[0]))
    found, number = wanted, 0
    while clash_key(found) in taken:
        number += 1
        found = with_suffix(wanted, number)
    return found
