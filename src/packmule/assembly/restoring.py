"""What of a remembered archive can still be used.

Owns the translation of checkpoints into a new beginning. A checkpoint never claims a byte that was
not written; but the file itself may have been removed or cut by somebody else, so what lies beyond
its end is forgotten and fetched again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packmule.outbound.transfer import State
from packmule.zipformat.headers import local_header_size, needs_zip64_room

if TYPE_CHECKING:
    from packmule.jobs.model import DoneEntry, OpenEntry, Remembered


def usable(remembered: Remembered, file_size: int) -> Remembered:
    """Leave out what the file, `file_size` bytes long, cannot hold."""
    done = tuple(entry for entry in remembered.done if _end(entry) <= file_size)
    opened = tuple(
        entry
        for entry in remembered.open
        if entry.offset + entry.header_size + entry.written <= file_size
    )
    tail = max(
        (*map(_end, done), *(entry.offset + entry.header_size + entry.size for entry in opened)),
        default=0,
    )
    return replace(remembered, done=done, open=opened, tail=tail)


def claimed_ranges(remembered: Remembered) -> list[tuple[int, int]]:
    """List the half-open ranges of bytes that checkpoints say are written, in their order.

    Neighbours are one range: a job of many files has few.
    """
    spans = [(entry.offset, _end(entry)) for entry in remembered.done]
    spans += [
        (entry.offset, entry.offset + entry.header_size + entry.written)
        for entry in remembered.open
    ]
    ranges: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if ranges and ranges[-1][1] == start:
            ranges[-1] = (ranges[-1][0], stop)
        else:
            ranges.append((start, stop))
    return ranges


def restored_state(entry: OpenEntry) -> State:
    """Give the state in which an open entry's source is asked for the rest."""
    return State(
        kept=entry.written,
        total=entry.size,
        etag=entry.etag,
        last_modified=entry.last_modified,
        content_type=entry.content_type,
        reached=entry.written,
    )


def _end(entry: DoneEntry) -> int:
    room = needs_zip64_room(max(entry.size, entry.compressed_size))
    header = local_header_size(entry.name.encode(), entry.modified_at, zip64=room)
    return entry.offset + header + entry.compressed_size
