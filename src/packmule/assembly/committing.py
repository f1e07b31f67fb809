"""The end of one entry's way: its body, now whole, becomes part of the archive.

Owns name and time of the entry, and what is done with a whole body in each of its forms. Leaves
where bytes lie to `archive_file` and `packing`, compressing to `deflated`. Runs in the transfer
loop's thread, but for what it hands to the writer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.sinks.protocol import Deflated
from packmule.jobs.model import DoneEntry
from packmule.zipformat.headers import local_header_size
from packmule.zipformat.records import DEFLATED, MARKER_32, STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.assembly.assembly import Assembly
    from packmule.assembly.disk.disk_file import DiskFile
    from packmule.assembly.receiving import EntryReceiver
    from packmule.assembly.sinks.block_file import BlockFileSink
    from packmule.assembly.sinks.placed import PlacedSink

# What is copied from a spool at once: other writes wait no longer than that.
_COPY_STEP = 16 * 1024 * 1024


class Ending:
    """Takes one entry's whole body; `modified_at` is a POSIX second.

    `html_page`: it is a page although its name announces media.
    """

    __slots__ = ("_assembly", "_incoming", "html_page", "modified_at", "name")

    def __init__(
        self,
        assembly: Assembly,
        incoming: EntryReceiver,
        name: str,
        modified_at: int | None,
        *,
        html_page: bool = False,
    ) -> None:
        self._assembly = assembly
        self._incoming = incoming
        self.name = name
        self.modified_at = modified_at
        self.html_page = html_page

    def header_size(self, size: int) -> int:
        """Tell how long the local header of an entry of that many bytes is."""
        name = self.name.encode()
        return local_header_size(name, self.modified_at, zip64=size >= MARKER_32)

    def pack(self, pieces: Sequence[bytes], deflated: Deflated | None = None) -> None:
        """Take a body that is in memory, deflated or as it is."""
        assembly, incoming = self._assembly, self._incoming
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        size = len(body) if deflated is None else deflated.size
        if incoming.size is None:
            assembly.learn_length(incoming, size)
        assembly.check_room(len(body))
        packing = assembly.archive.packing
        if deflated is None:
            packing.pack(
                incoming.position, self.name, body, self.modified_at, html_page=self.html_page
            )
        else:
            packing.pack(
                incoming.position, self.name, body, self.modified_at,
                method=DEFLATED, crc=deflated.crc, size=size, html_page=self.html_page,
            )  # fmt: skip
        assembly.note_finished(incoming)

    def pack_soon(self, pieces: Sequence[bytes], deflated: Deflated | None) -> None:
        """Do as `pack`, in the transfer loop's thread (any thread)."""
        self._assembly.in_loop(lambda: self.pack(pieces, deflated))

    def take_deflated(
        self, pieces: Sequence[bytes], spool: DiskFile | None, deflated: Deflated
    ) -> None:
        """Take a deflated body, in memory or in a spool (any thread)."""
        if spool is None:
            self.pack_soon(pieces, deflated)
        else:
            self._assembly.in_loop(lambda: self._append_deflated(spool, deflated))

    def complete(self, body: PlacedSink) -> None:
        """Take a body that is in its place, but for what is on its way to the writer."""
        archive, offset = self._assembly.archive, body.place.offset

        def complete() -> None:
            size, crc = body.sure
            archive.complete(self._entry(offset, STORED, Deflated(size, size, crc)))

        archive.run_in_writer(complete)
        self._assembly.note_finished(self._incoming)

    def append_spooled(self, spool: DiskFile, body: BlockFileSink) -> None:
        """Take a body that is in a spool, but for what is on its way to the writer."""
        size = body.kept
        self._append(spool, size, size, lambda: (STORED, Deflated(size, size, body.sure[1])))

    def _append_deflated(self, spool: DiskFile, deflated: Deflated) -> None:
        self._append(spool, deflated.length, deflated.size, lambda: (DEFLATED, deflated))

    def _append(
        self, spool: DiskFile, length: int, size: int, what: Callable[[], tuple[int, Deflated]]
    ) -> None:
        """Copy `length` bytes of a spool to the archive's tail, in steps; `what` is known then."""
        assembly = self._assembly
        archive = assembly.archive
        header_size = self.header_size(max(length, size))
        assembly.learn_length(self._incoming, size)
        assembly.check_room(header_size + length)
        offset = archive.reserve(header_size + length)

        def copy(at: int) -> None:
            step = min(_COPY_STEP, length - at)
            archive.file.copy_range(spool, at, step, offset + header_size + at)
            if at + step < length:
                archive.run_in_writer(lambda: copy(at + step))
                return
            archive.close_spool(spool)
            archive.complete(self._entry(offset, *what()))

        archive.run_in_writer(lambda: copy(0))
        assembly.note_finished(self._incoming)

    def _entry(self, offset: int, method: int, body: Deflated) -> DoneEntry:
        return DoneEntry(
            self._incoming.position, self.name, offset, method,
            body.crc, body.length, body.size, self.modified_at, self.html_page,
        )  # fmt: skip
