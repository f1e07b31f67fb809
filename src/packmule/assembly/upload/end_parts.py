"""The parts of an archive that are known only at its end, on their way to the storage.

Owns sending what is behind the last uploaded cell; and, where a file has failed after some of it
was uploaded, having the storage move what is behind the hole (docs/decisions/0051):

    sealed    [a][b][-- failed --][c][d]     an object of all that was uploaded, hole included
    archive   [a][b][c][d][end]              a new upload, copied from it within the storage

Only parts that are made of several ranges, and what the storage will not copy, are read back and
sent again. Leaves the cutting to `final_layout`.
"""

from __future__ import annotations

from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from packmule.assembly.upload.window import Window
from packmule.errors import UploadLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from threading import Event

    from packmule.assembly.disk.disk_file import DiskFile
    from packmule.assembly.resuming import Ranges
    from packmule.assembly.upload.final_layout import FinalLayout
    from packmule.assembly.upload.part_sender import PartSender
    from packmule.storage.interface import SealedUpload, Stream

_LOOK_EVERY = 0.25
# Parts submitted ahead of those that are sent: what runs must be able to end soon.
_AHEAD = 8


def send_rest(
    sender: PartSender, layout: FinalLayout, file: DiskFile, watch: Callable[[], None]
) -> dict[int, str]:
    """Send the parts that are not uploaded yet; return the entity tags of all.

    Raises what `watch` raises, StorageFailed.
    """
    stream, parts = sender.stream, sender.part_plan.parts
    etags = {number: part.etag or "" for number, part in parts.items()}

    def send(number: int, upload: str, ended: Event) -> str:
        return stream.send(upload, number, file.read, layout.pieces[number], ended)

    numbers = (number for number in layout.pieces if number not in parts)
    return etags | _sent(sender, numbers, send, watch)


def move(
    sender: PartSender,
    sealed: SealedUpload,
    layout: FinalLayout,
    file: DiskFile,
    watch: Callable[[], None],
) -> dict[int, str]:
    """Make a new upload of what a sealed one holds; return the entity tags of its parts.

    Raises what `watch` raises, StorageFailed.
    """
    stream = sender.stream
    sender.move_to(stream.begin(layout.cell))
    moved = _Moved(stream, sealed, layout, file, watch)
    return _sent(sender, layout.pieces, moved.send, watch)


@dataclass(frozen=True, slots=True)
class _Moved:
    """The parts of the archive as ranges of the sealed object; what is behind it is the end."""

    stream: Stream
    sealed: SealedUpload
    layout: FinalLayout
    file: DiskFile
    watch: Callable[[], None]

    def send(self, number: int, upload: str, ended: Event) -> str:
        """Copy a part within the storage, or send it where that cannot be done."""
        pieces = self._placed(self.layout.pieces[number])
        (start, stop), *others = pieces
        archive = self.sealed.archive
        if not others and stop <= archive.size:
            etag = self.stream.copy(upload, number, archive, range(start, stop))
            if etag is not None:
                return etag
        reader = archive.bytes.open()
        try:
            window = Window(reader, archive.size, self.watch)
            read = partial(self._read, window)
            return self.stream.send(upload, number, read, pieces, ended)
        finally:
            reader.close()

    def _placed(self, pieces: Ranges) -> Ranges:
        """Return ranges of the scratch as ranges of the object, joined where they meet there."""
        cell, (end_at, _) = self.layout.cell, self.layout.end
        placed: Ranges = []
        for start, stop in pieces:
            if start >= end_at:
                at = self.sealed.archive.size + start - end_at
            else:
                rank = self.sealed.ranks.get(start // cell + 1)
                if rank is None:
                    raise UploadLost("The object store has lost parts of what was uploaded.")
                at = rank * cell + start % cell
            if placed and placed[-1][1] == at < self.sealed.archive.size:
                placed[-1] = (placed[-1][0], at + stop - start)
            else:
                placed.append((at, at + stop - start))
        return placed

    def _read(self, window: Window, at: int, length: int) -> bytes:
        size = self.sealed.archive.size
        if at < size:
            return window.read(at, length)
        return self.file.read(self.layout.end[0] + at - size, length)


def _sent(
    sender: PartSender,
    numbers: Iterable[int],
    send: Callable[[int, str, Event], str],
    watch: Callable[[], None],
) -> dict[int, str]:
    """Send parts, a few ahead; `watch` raises where nobody waits any more."""
    etags: dict[int, str] = {}
    under_way: dict[int, Future[str]] = {}
    left = iter(numbers)
    while True:
        while len(under_way) < _AHEAD and (number := next(left, None)) is not None:
            under_way[number] = sender.submit_end(partial(send, number))
        if not under_way:
            return etags
        watch()
        number, future = next(iter(under_way.items()))
        try:
            etags[number] = future.result(_LOOK_EVERY)
        except NotYet:
            if future.done():  # its own
                raise
        else:
            del under_way[number]
