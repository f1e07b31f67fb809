"""What of a remembered archive can still be used.

Owns the translation of checkpoints into a new beginning. A checkpoint never claims a byte that was
not written; but the scratch may be another machine's, or have been removed or cut by somebody, and
the storage may have lost parts: what is in neither is forgotten and fetched again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from packmule.jobs.model import Uploads
from packmule.outbound.transfer import TransferState
from packmule.zipformat.headers import local_header_size, needs_zip64_room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packmule.jobs.model import DoneEntry, OpenEntry, Part, Remembered

# Half-open, in order, apart from one another.
Ranges = list[tuple[int, int]]

# Of each part that the storage has, by number, its size and its entity tag; no tag where an object
# has been made of it.
Stored = Mapping[int, tuple[int, str | None]]


def usable(
    remembered: Remembered,
    file_size: int,
    stored: Stored | None = None,
    *,
    in_areas: Ranges | None = None,
    in_order: Callable[[int], bool] = lambda _position: False,
) -> Remembered:
    """Leave out what is neither in the scratch, `file_size` bytes long, nor in the storage.

    `in_areas` are the places of which there are bytes where the archive is split.
    `stored` is None where the storage has nothing (any more) of what was uploaded. `in_order` says
    of which positions an open file is of use only where the scratch has all its bytes: they are to
    be digested, and the parts of an upload cannot be read.
    """
    noted = [part for part in remembered.parts if part.etag is not None]
    found = stored or {}
    there = [
        part
        for part in noted
        if found.get(part.number) in ((part.size, part.etag), (part.size, None))
    ]
    # What was noted as uploaded may have been given back to the disk, whatever became of it.
    in_file = [(0, file_size)] if in_areas is None else in_areas
    in_scratch = _without(in_file, _extents(noted))
    at_hand = _joined([*in_scratch, *_extents(there)])
    done = tuple(
        entry for entry in remembered.done if holds(at_hand, entry.offset, entry_end(entry))
    )
    opened = tuple(
        entry
        for entry in remembered.open
        if all(
            holds(in_scratch if in_order(entry.position) else at_hand, start, stop)
            for start, stop in written_ranges(entry)
        )
    )
    claimed = claimed_ranges(replace(remembered, done=done, open=opened))
    parts = tuple(
        part
        for part in there
        if _touches(claimed, part) and not any(_is_stale(part, entry) for entry in opened)
    )
    # No new entry may share a part with what only the storage has: that cannot be read again.
    ends = (*map(entry_end, done), *map(_place_end, opened), *(stop for _, stop in _extents(parts)))
    kept = replace(remembered, tail=max(ends, default=0), done=done, open=opened, parts=parts)
    return kept if stored is not None else replace(kept, upload=None)


def given_up(before: Remembered, after: Remembered) -> tuple[tuple[int, ...], Uploads | None]:
    """Return what the second has no more: the positions of files, and the parts."""
    kept = {entry.position for entry in after.done} | {entry.position for entry in after.open}
    kept.update(entry.position for entry in after.failed)
    had = [entry.position for entry in before.done] + [entry.position for entry in before.open]
    forgotten = [position for position in had if position not in kept]
    numbers = {part.number for part in after.parts}
    lost = tuple(part.number for part in before.parts if part.number not in numbers)
    changed = bool(lost) or before.upload != after.upload
    return tuple(forgotten), Uploads(after.upload, after.begun, (), lost) if changed else None


def dropped(before: Remembered, after: Remembered) -> tuple[int, ...]:
    """Return the positions of failed files of which the second keeps no bytes any more."""
    kept = {entry.position for entry in after.open}
    failed = {entry.position for entry in before.failed}
    return tuple(one.position for one in before.open if one.position in failed - kept)


def claimed_ranges(remembered: Remembered) -> Ranges:
    """List the half-open ranges of bytes that checkpoints say are written, in their order.

    Neighbours are one range: a job of many files has few.
    """
    spans = [(entry.offset, entry_end(entry)) for entry in remembered.done]
    spans += [span for entry in remembered.open for span in written_ranges(entry)]
    return _joined(spans)


def ranges_of_scratch(remembered: Remembered) -> Ranges:
    """List those of them that only the scratch has."""
    noted = [part for part in remembered.parts if part.etag is not None]
    return _without(claimed_ranges(remembered), _extents(noted))


def restored_state(entry: OpenEntry) -> TransferState:
    """Return the state in which an open entry's source is asked for the rest."""
    return TransferState(
        kept=entry.written,
        total=entry.size,
        etag=entry.etag,
        last_modified=entry.last_modified,
        content_type=entry.content_type,
        reached=entry.written,
    )


def entry_end(entry: DoneEntry) -> int:
    """Return the offset of the first byte behind an entry."""
    room = needs_zip64_room(max(entry.size, entry.compressed_size))
    header = local_header_size(entry.name.encode(), entry.modified_at, zip64=room)
    return entry.offset + header + entry.compressed_size


def holds(ranges: Ranges, start: int, stop: int) -> bool:
    """Return whether every byte from `start` to `stop` is in one of the ranges."""
    at = bisect_right(ranges, (start, stop))
    if at and ranges[at - 1][1] >= stop:
        return True
    # A range that begins there and sorts behind ends behind it, too.
    return at < len(ranges) and ranges[at][0] <= start


def written_ranges(entry: OpenEntry) -> Ranges:
    """List the ranges of the scratch that an open entry's bytes are in, its header's among them."""
    begin = entry.offset + entry.header_size
    further = [(begin + one.start, begin + one.stop) for one in entry.segments]
    return [(entry.offset, begin + entry.written), *further]


def body_ranges(entry: OpenEntry) -> Ranges:
    """List the ranges of an open entry's body that are written, neighbours joined."""
    begin = entry.offset + entry.header_size
    return _joined([(max(start, begin), stop) for start, stop in written_ranges(entry)])


def _place_end(entry: OpenEntry) -> int:
    return entry.offset + entry.header_size + entry.size


def _extents(parts: Iterable[Part]) -> Ranges:
    return _joined([extent for part in parts for extent in part.extents])


def _touches(ranges: Ranges, part: Part) -> bool:
    """Return whether a part holds any byte of the ranges."""
    return any(
        at and ranges[at - 1][1] > start
        for start, stop in part.extents
        if (at := bisect_left(ranges, (stop,)))
    )


def _is_stale(part: Part, entry: OpenEntry) -> bool:
    """Return whether a part lies within an open entry, and not all of it is written."""
    return any(
        entry.offset <= start
        and stop <= _place_end(entry)
        and not holds(body_ranges(entry), start, stop)
        for start, stop in part.extents
    )


def _joined(spans: Iterable[tuple[int, int]]) -> Ranges:
    ranges: Ranges = []
    for start, stop in sorted(spans):
        if ranges and ranges[-1][1] >= start:
            begin, end = ranges.pop()
            ranges.append((begin, max(end, stop)))
        else:
            ranges.append((start, stop))
    return ranges


def _without(ranges: Ranges, others: Ranges) -> Ranges:
    """Cut `others` out of `ranges`."""
    edges = [(start, 1) for start, _ in ranges] + [(stop, -1) for _, stop in ranges]
    edges += [(start, -1) for start, _ in others] + [(stop, 1) for _, stop in others]
    left: Ranges = []
    depth = 0
    for (at, change), (behind, _) in pairwise(sorted(edges)):
        depth += change
        if depth == 1:  # in a range, and in none of the others
            left.append((at, behind))
    return left
