"""A store in memory for archives that are uploaded while they are assembled; its parts are small.

Owns keeping what is sent, as S3 does: by number, the last that came counts, and the object is the
parts that are named, in order. It counts what comes, and can be told to wait or to lose things.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packmule.errors import UploadLost
from packmule.storage.interface import StoredArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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
    sent: list[int] = field(default_factory=list)
    archive: bytes | None = None

    def __post_init__(self) -> None:
        self.may_send = threading.Event()
        self.may_send.set()

    def part_bytes(self, _number: int) -> int:
        """Tell how large a part is."""
        return self.each

    def begin(self) -> str:
        """Begin an upload."""
        name = f"upload-{len(self.uploads)}"
        self.uploads[name] = {}
        return name

    def stored(self, upload: str) -> dict[int, tuple[int, str]] | None:
        """Tell what is there."""
        if upload not in self.uploads:
            return None
        parts = self.uploads[upload].items()
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
        self.uploads[upload][number] = content
        self.sent.append(number)
        return etag_of(content)

    def publish(self, upload: str, etags: Mapping[int, str], size: int) -> StoredArchive:
        """Join the parts that are named."""
        parts = self.uploads[upload]
        for number, etag in etags.items():
            if number not in parts or etag_of(parts[number]) != etag:
                raise UploadLost(f"part {number} is not what is named")
        ordered = sorted(etags)
        assert all(len(parts[number]) >= self.each for number in ordered[:-1])
        self.archive = b"".join(parts[number] for number in ordered)
        assert len(self.archive) == size
        return StoredArchive(size, etag_of(self.archive), 0.0, MemoryBytes(self.archive))
