"""What bodies are written to at places: the file of an archive, or those of a split one's areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from packmule.assembly.disk.disk_file import DiskFile


class PlacedFile(Protocol):
    """One file as far as bodies are concerned; every method may raise DiskFull or StorageFailed."""

    def write_block(self, view: memoryview, start: int, end: int, base: int) -> None:
        """Write `view[start:end]`, where `view[0]` belongs at place `base`."""

    def write(self, data: memoryview | bytes, offset: int) -> None:
        """Write bytes at a place."""

    def copy_range(self, other: DiskFile, source: int, length: int, offset: int) -> None:
        """Copy a range of another file to a place."""

    def read(self, offset: int, length: int) -> bytes:
        """Read a range; fewer bytes only where the file ends."""

    def sync(self) -> None:
        """Make what was written survive a power cut."""

    def allocated(self) -> int:
        """Return how many bytes of the disk are taken."""

    def close(self) -> None:
        """Close what is open."""
