"""Which manifest an archive gets, and which entries that adds.

Owns the choice, the names, and where the files lie: in a bag they are in a folder of their own.
Leaves the texts to the modules beside it. Pure.

    sums     a.png  b/c.png  [_missing.txt]  sources.csv  SHA256SUMS
    bagit    N/data/a.png  N/data/b/c.png  [N/_missing.txt]  N/sources.csv  N/bagit.txt ...
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from packmule.assembly.manifest.bagit import TAG_FILES, bag_entries
from packmule.assembly.manifest.sources_table import sources_table
from packmule.assembly.manifest.sums import sums
from packmule.assembly.missing import report
from packmule.assembly.own_entry import OwnEntry, free_name
from packmule.jobs.model import Manifest
from packmule.zipformat.names import safe_name, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.assembly.done_entries import DoneEntries
    from packmule.jobs.model import FailedEntry, Remembered, Source

SUMS: Final = "SHA256SUMS"
TABLE: Final = "sources.csv"
_LONGEST_BASE: Final = 100  # bytes: before each name, whose length readers bound


class ArchiveManifest:
    """The manifest of one archive; `title` is the archive's name without its extension."""

    def __init__(self, kind: Manifest, title: str) -> None:
        self._kind = kind
        self._base = ""
        if kind is Manifest.BAGIT:
            self._base = shortened(safe_name(title, folders=False), _LONGEST_BASE)

    def __repr__(self) -> str:
        return f"<ArchiveManifest {self._kind}>"

    @property
    def folder(self) -> str:
        """What the name of every file begins with."""
        return f"{self._base}/data/" if self._base else ""

    @property
    def reserved(self) -> tuple[str, ...]:
        """Names that no file may have."""
        return (SUMS, TABLE) if self._kind is Manifest.SUMS else ()

    def known(self, remembered: Remembered) -> Remembered:
        """Leave out files of which the manifest could not tell.

        They were packed by a worker of the version before, which knows no manifests.
        """
        if self._kind is Manifest.NONE:
            return remembered
        done = tuple(one for one in remembered.done if one.receipt is not None)
        opened = tuple(one for one in remembered.open if one.name.startswith(self.folder))
        return replace(remembered, done=done, open=opened)

    def entries(
        self, sources: Sequence[Source], done: DoneEntries, failed: Sequence[FailedEntry]
    ) -> tuple[OwnEntry, ...]:
        """Return what is added behind the files, in this order."""
        missing = report(sources, failed, () if self._base else done)
        told = () if missing is None else (missing,)
        if self._kind is Manifest.NONE:
            return told
        table = sources_table(sources, done, failed)
        if self._kind is Manifest.BAGIT:
            added = bag_entries(self._base, (*told, OwnEntry(TABLE, table)), done)
            return tuple(replace(one, name=f"{self._base}/{one.name}") for one in added)
        # A folder of the caller's may have the name.
        names = [entry.name for entry in done if "/" in entry.name]
        told = (*told, OwnEntry(free_name(TABLE, names), table))
        return (*told, OwnEntry(free_name(SUMS, names), sums(told, done)))


def own_count(manifest: Manifest, *, any_failed: bool) -> int:
    """Return how many entries are added to an archive."""
    added = {Manifest.NONE: 0, Manifest.SUMS: 2, Manifest.BAGIT: 1 + len(TAG_FILES)}
    return added[manifest] + any_failed
