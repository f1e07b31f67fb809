"""Where the files of a split archive lie: one range of places for all its areas.

An area becomes one part of the archive, with its own file; within that file, offsets start at 0.

    area 0                area 1
    0 ... its end         2^44 ... its end      2 * 2^44

So a place says which area it is in, and what is remembered of a file is the same as in an archive
of one piece.
"""

from __future__ import annotations

from typing import Final

_SPAN_BITS: Final = 44
AREA_SPAN: Final = 1 << _SPAN_BITS
"""Bytes from one area's beginning to the next one's: 17 TB, more than any archive has."""

MOST_PARTS: Final = 1000
"""Parts of one archive."""


def area_of(place: int) -> int:
    """Return the number of the area in which a place is, from 0."""
    return place >> _SPAN_BITS


def area_begin(area: int) -> int:
    """Return the first place of an area."""
    return area << _SPAN_BITS
