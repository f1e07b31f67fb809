"""Mutations that change nothing anybody could see, each reviewed, with its reason.

By target, then by the mutation's name as `make mutants` prints it. One that is no longer made is
reported, so that the list does not outlive the code.
"""

from __future__ import annotations

_ONLY_QUICKER = "a short name takes the short way; the long one ends at the same name"

EQUIVALENT: dict[str, dict[str, str]] = {
    "webhook/retry_schedule": {
        "RetrySchedule._pause: return max(pause, min(asked or 0.0, LONGEST_RETRY_AFTER)):"
        " 0.0 -> -1.0": "no pause is shorter than zero, so neither figure is ever the greater one",
    },
    "zipformat/names": {
        "module: _SHORT: Final = 56: 56 -> 55": _ONLY_QUICKER,
        "with_suffix: return stem + tail if len(name) <= _SHORT else _within_part(stem, tail):"
        " len(name) <= _SHORT -> len(name) < _SHORT": _ONLY_QUICKER,
        "_safe_part: if len(part) <= _SHORT or len(part.encode()) <= MAX_PART_BYTES::"
        " len(part) <= _SHORT or len(part.encode()) <= MAX_PART_BYTES"
        " -> len(part.encode()) <= MAX_PART_BYTES": _ONLY_QUICKER,
        "split_extension: return (name[:found.start()], found[0]) if found else (name, ''):"
        " 0 -> 1": "the only group of the pattern is all of it",
    },
}
