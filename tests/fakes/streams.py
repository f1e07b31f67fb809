"""A store in memory for archives that are uploaded while they are assembled; its parts are small.

Owns keeping what is sent, as S3 does: by number, the last that came counts, and the object is the
parts that are named, in order. It is as strict as the strictest stores together: no part may be
left out (Ceph's RGW), all but the last are of one size (Cloudflare's R2), and their numbers have no
gaps. It counts what comes, and can be told to wait or to lose things.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packmule.errors import UploadLost
from packmule.storage.interface import SealedUpload, StoredArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class MemoryBytes:
    """Bytes, as an archive's."""

    content: bytes
    path: Path | None = None

    def open(self) -> MemoryReader:
        """Open them."""
        return MemoryReader(self.content)

    def link(self, _name: str) -> None:
        """Give no link."""


class MemoryReader:
    """Reads them."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, part: range, most: int) -> bytes:
        """Read the beginning of a part."""
        return self._content[part.start : min(part.stop, part.start + most)]

    def close(self) -> None:
        """Let them go."""


def etag_of(content: bytes) -> str:
    """Give the entity tag of a part."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@dataclass
class MemoryStream:
    """A store of one archive, that outlives who sends to it; parts are of `each` bytes."""

    each: int = 100_000
    most_parts: int = 10_000
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    sent: list[int] = field(default_factory=list)
    copied: list[int] = field(default_factory=list)
    copies: bool = True
    archive: bytes | None = None

    def __post_init__(self) -> None:
        self.may_send = threading.Event()
        self.may_send.set()

    def cell_bytes(self, _expected: float) -> int:
        """Tell how large a part is."""
        return self.each

    def begin(self, cell: int) -> str:
        """Begin an upload."""
        name = f"upload-{len(self.uploads) + len(self.objects)} {cell}"
        self.uploads[name] = {}
        return name

    def cell_of(self, upload: str) -> int:
        """Tell how large an upload's parts are."""
        return int(upload.split()[1])

    def stored(self, upload: str) -> dict[int, tuple[int, str | None]] | None:
        """Tell what is there."""
        if (sealed := self.sealed(upload)) is not None:
            return dict.fromkeys(sealed.ranks, (self.cell_of(upload), None))
        name = plain(upload)
        if name not in self.uploads:
            return None
        parts = self.uploads[name].items()
        return {number: (len(content), etag_of(content)) for number, content in parts}

    def send(
        self,
        upload: str,
        number: int,
        read: Callable[[int, int], bytes],
        extents: Sequence[tuple[int, int]],
        ended: threading.Event,
    ) -> str:
        """Keep a part."""
        content = b"".join(read(start, stop - start) for start, stop in extents)
        assert len(content) == sum(stop - start for start, stop in extents)
        while not self.may_send.wait(0.01):
            if ended.is_set():
                raise UploadLost("nobody waits any more")
        self.uploads[plain(upload)][number] = content
        self.sent.append(number)
        return etag_of(content)

    def copy(self, upload: str, number: int, source: StoredArchive, part: range) -> str | None:
        """Copy a range of an object as a part."""
        if not self.copies:
            return None
        assert isinstance(source.bytes, MemoryBytes)
        content = source.bytes.content[part.start : part.stop]
        assert len(content) == len(part)
        self.uploads[plain(upload)][number] = content
        self.copied.append(number)
        return etag_of(content)

    def sealing(self, upload: str, numbers: Iterable[int]) -> str:
        """Name the parts of which an object is to be made."""
        return f"{plain(upload)} {','.join(map(str, sorted(numbers)))}"

    def sealed(self, upload: str) -> SealedUpload | None:
        """Give the object that was made of an upload's parts."""
        content = self.objects.get(plain(upload))
        numbers = upload.split()[2:]
        if content is None or not numbers:
            return None
        archive = StoredArchive(len(content), etag_of(content), 0.0, MemoryBytes(content))
        return SealedUpload(archive, {int(n): i for i, n in enumerate(numbers[0].split(","))})

    def publish(self, upload: str, etags: Mapping[int, str], size: int) -> StoredArchive:
        """Join the parts that are named."""
        parts = self.uploads[plain(upload)]
        for number, etag in etags.items():
            if number not in parts or etag_of(parts[number]) != etag:
                raise UploadLost(f"part {number} is not what is named")
        ordered = sorted(etags)
        assert ordered == sorted(parts), "a part is left out"
        assert {len(parts[number]) for number in ordered[:-1]} <= {self.each}, "unequal parts"
        assert len(parts[ordered[-1]]) <= self.each
        content = b"".join(parts[number] for number in ordered)
        assert len(content) == size
        if len(upload.split()) == 2:
            assert ordered == list(range(1, len(ordered) + 1)), "the numbers have gaps"
            self.archive = content
        self.objects[plain(upload)] = content
        del self.uploads[plain(upload)]
        return StoredArchive(size, etag_of(content), 0.0, MemoryBytes(content))


def plain(upload: str) -> str:
    """Leave out of an upload's name which parts it is to be sealed with."""
    return " ".join(upload.split()[:2])
