"""The port of storage: scratch to assemble in, and a place for whole archives.

Owns the words and the promises; each backend passes the one suite in `tests/conformance`:

- An archive is there whole or not at all; `publish` returns only when a power cut cannot undo it.
- No two attempts ever write to one file, not even when the first was frozen and wakes up.
- What an attempt has assembled is published by it or taken over by the next, never both; a kill
  after the publication is made good by `confirm`.
- An attempt that was frozen and wakes up never replaces or removes the archive of a completed job:
  only the job store knows which attempt is the last, so before the job is completed no attempt
  removes what another has published.
- What is being read stays readable until the reader closes it, also when it is removed meanwhile.

The parts of a split archive have keys of their own (`part_key`), which are kept as any other. What
removes or lists an archive by its own key does so with all its parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from packmule.errors import DiskFull, StorageFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Event

__all__ = ["Bytes", "DiskFull", "Reader", "Storage", "StorageFailed", "StoredArchive", "Stream"]


def part_key(key: str, area: int) -> str:
    """Return the key of a part of the archive of that key."""
    return f"{key}-{area}"


def archive_of(key: str) -> str:
    """Return the key of the archive of which that key is a part, or itself."""
    return key.partition("-")[0]


class Reader(Protocol):
    """An archive that is being read. Raises StorageFailed."""

    def read(self, part: range, most: int) -> bytes:
        """Return the beginning of `part`, `most` bytes at most; nothing only past the end.

        The rest of the part is likely to be asked for next.
        """

    def close(self) -> None:
        """Close it."""


class Bytes(Protocol):
    """Where an archive's bytes are."""

    @property
    def path(self) -> Path | None:
        """The file, where it is one of this machine."""

    def open(self) -> Reader:
        """Open them for reading. Raises StorageFailed."""

    def link(self, name: str) -> str | None:
        """Return a link, good for a while, by which anybody may download them under that name.

        None where they are to be asked of us.
        """


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """A whole archive: its length in bytes, its strong entity tag, its age, and where it is."""

    size: int
    etag: str
    modified_at: float
    bytes: Bytes = field(compare=False)

    @property
    def path(self) -> Path | None:
        """The file, where it is one of this machine."""
        return self.bytes.path


@dataclass(frozen=True, slots=True)
class SealedUpload:
    """An object made of all parts of an upload, to copy from: it is no archive yet.

    `ranks` says for each number which part of the object it is, counted from 0.
    """

    archive: StoredArchive
    ranks: Mapping[int, int]


class Stream(Protocol):
    """An archive's way into the storage in parts, while it is assembled. Raises StorageFailed.

    `upload` is the storage's name for all the parts together. A part's number is its place among
    them, from 1 on; sent again it replaces what was there. All but the last are of one size, the
    upload's cell; at most `most_parts`. Used by any thread.
    """

    most_parts: int

    def cell_bytes(self, expected: float) -> int:
        """Return how large the parts of an archive are to be that is expected to be so large."""

    def begin(self, cell: int) -> str:
        """Begin an upload in parts of `cell` bytes, and return its name."""

    def cell_of(self, upload: str) -> int | None:
        """Return the size of an upload's parts; None for one of a version that had no cells."""

    def stored(self, upload: str) -> Mapping[int, tuple[int, str | None]] | None:
        """Return the size and the entity tag of each part that the storage has, by number.

        No tag where it is sealed. None where there is no such upload (any more).
        """

    def send(
        self,
        upload: str,
        number: int,
        read: Callable[[int, int], bytes],
        extents: Sequence[tuple[int, int]],
        ended: Event,
    ) -> str:
        """Send a part, as often as it takes, and return its entity tag.

        `read(offset, length)` gives the bytes of the half-open ranges `extents`; `ended` is set
        where nobody waits any more.
        """

    def copy(self, upload: str, number: int, source: StoredArchive, part: range) -> str | None:
        """Copy a range of an object as a part, within the storage; return its entity tag.

        None where the storage does not do that.
        """

    def sealing(self, upload: str, numbers: Iterable[int]) -> str:
        """Return the name of an upload of which an object is to be made that is copied from.

        It stands for the same upload, and says which parts the object will hold.
        """

    def sealed(self, upload: str) -> SealedUpload | None:
        """Return that object, if it has been made."""

    def publish(self, upload: str, etags: Mapping[int, str], size: int) -> StoredArchive:
        """Make the parts of these numbers and entity tags one object, `size` bytes; durably.

        They must be all parts that were sent. Nothing is removed, whatever goes wrong: another
        attempt may rely on it by then. Scratch and left-overs are for `Storage.confirm` and
        `Storage.prune`.
        """


class Storage(Protocol):
    """Holds archives by key (the archive hash). Raises DiskFull or StorageFailed."""

    def claim(
        self, key: str, attempt: int, claimed: Iterable[tuple[int, int]], recorded_by: int = 0
    ) -> AbstractContextManager[Path]:
        """Hold the scratch file of an attempt while it assembles, with what earlier ones left.

        The file is there; it is empty where nothing was left. `claimed` are the half-open ranges of
        bytes, in their order, that checkpoints say are written: all that is relied upon. What
        attempts before `recorded_by` have left is another machine's past, and is not taken. Raises
        StaleAttempt where a later attempt has claimed it.
        """

    def stream(self, key: str, attempt: int, scratch: Path) -> Stream | None:
        """Return a stream that takes the archive in that claimed scratch in parts.

        None where it is published whole.
        """

    def publish(self, key: str, attempt: int, assembled: Path) -> StoredArchive:
        """Make what an attempt has assembled, beside its scratch, the archive; durably.

        It must be written to no more. Scratch of this and of earlier attempts is removed.
        """

    def confirm(self, key: str, attempt: int) -> None:
        """Make an archive that was published durable; remove the scratch of attempts up to this.

        For an attempt that, after `claim`, finds what an earlier one has published and takes it
        for its own; and for one that has published by a stream.
        """

    def prune(self, key: str, attempt: int, archive: StoredArchive) -> None:
        """Remove all but this archive, which the completed job names; `attempt` completed it.

        Only now: until the job store has accepted an attempt's word that the job is completed,
        another attempt may rely on what is there.
        """

    def find(self, key: str, etag: str | None = None) -> StoredArchive | None:
        """Return the archive, or None.

        Where several attempts have published, the one with the entity tag `etag`, else the latest.
        """

    def remove(self, key: str) -> None:
        """Remove scratch and archive with all its parts, for good; nothing there is no error."""

    def discard(self, key: str) -> None:
        """Remove the scratch alone, and that of its parts; nothing there is no error."""

    def left_over(self) -> Iterator[tuple[str, float]]:
        """List the keys of which something is left besides archives, with when it was written.

        What is left of a part is told under the archive's key.
        """

    def archived(self) -> Iterator[str]:
        """List the keys of all archives, in any order; one may come more than once.

        That of a split archive comes for each of its parts.
        """

    def free_bytes(self) -> int:
        """Return how many bytes may still be written."""

    def probe(self) -> None:
        """Try all that archives need, once at the start; raise StorageFailed with what is missing.

        StorageAway if it is a store's to say: jobs wait for that.
        """

    def check(self) -> None:
        """Raise StorageFailed where storage cannot be written."""
