"""Where each file is in a completed archive, by its central directory.

Owns finding an entry by its number. The archive is asked rather than the job store, because closing
holes and uploading in parts move entries after their checkpoint. Where the headers begin is kept
for the archives asked for most recently, so that a page of previews reads a directory once.

Used by the threads that serve requests.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packmule.errors import StorageFailed
from packmule.zipformat.extras import actual_values
from packmule.zipformat.reading import LONGEST_HEADER, read_directory, read_headers
from packmule.zipformat.records import LOCAL, LOCAL_SIGNATURE, CentralHeader, FormatError

if TYPE_CHECKING:
    from packmule.storage.interface import Reader, StoredArchive

MOST_ENTRIES: Final = 2_000_000
"""Entries of all archives together whose places are kept, at 8 bytes each."""


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """A file in an archive: `part` holds its body, which is `size` bytes long once decompressed."""

    name: str
    method: int
    part: range
    size: int


class ArchiveIndex:
    """Finds entries in archives. Raises StorageFailed if an archive cannot be read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._headers: OrderedDict[str, array[int]] = OrderedDict()
        self._entries = 0

    def __repr__(self) -> str:
        return f"<ArchiveIndex: {self._entries} entries of {len(self._headers)} archives>"

    def find(self, archive: StoredArchive, number: int) -> EntryPlace:
        """Return the entry that comes `number`th in the central directory, from 0."""
        reader = archive.bytes.open()
        try:
            places = self._places(reader, archive)
            behind = places[number + 1] if number + 1 < len(places) else archive.size
            return _entry(reader, archive.size, range(places[number], behind))
        except (FormatError, IndexError) as error:
            raise StorageFailed("the archive's central directory cannot be read") from error
        finally:
            reader.close()

    def _places(self, reader: Reader, archive: StoredArchive) -> array[int]:
        with self._lock:
            known = self._headers.get(archive.etag)
            if known is not None:
                self._headers.move_to_end(archive.etag)
                return known
        places = _header_places(reader, archive.size)
        with self._lock:
            if archive.etag not in self._headers:
                self._headers[archive.etag] = places
                self._entries += len(places)
            while self._entries > MOST_ENTRIES and len(self._headers) > 1:
                self._entries -= len(self._headers.popitem(last=False)[1])
        return places


def _header_places(reader: Reader, size: int) -> array[int]:
    def read(at: int, length: int) -> bytes:
        return _read(reader, at, length, size)

    headers = read_headers(read, read_directory(read, size))
    return array("Q", (at for at, _ in headers))


def _entry(reader: Reader, size: int, at: range) -> EntryPlace:
    """Return the entry whose central header is at the start of `at`, where nothing else begins."""
    most = min(len(at), LONGEST_HEADER)
    header = CentralHeader.unpack(_read(reader, at.start, most, size))
    length, compressed, offset = actual_values(header)
    # Its own name and extra block need not be as long as those of the central header.
    local = _read(reader, offset, LOCAL.size, size)
    if len(local) < LOCAL.size:
        raise FormatError(f"local header at byte {offset}: cut off")
    signature, *_, name_length, extra_length = LOCAL.unpack(local)
    if signature != LOCAL_SIGNATURE:
        raise FormatError(f"local header at byte {offset}: wrong signature")
    start = offset + LOCAL.size + name_length + extra_length
    name = header.name.decode("utf-8", "replace")
    return EntryPlace(name, header.method, range(start, start + compressed), length)


def _read(reader: Reader, at: int, length: int, size: int) -> bytes:
    """Return the bytes from `at` on; fewer than `length` only at the end of the archive."""
    part, pieces = range(at, min(at + length, size)), []
    while part:
        piece = reader.read(part, len(part))
        if not piece:
            break
        pieces.append(piece)
        part = part[len(piece) :]
    return b"".join(pieces)
