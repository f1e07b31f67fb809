"""What a journal's records say: checkpoints as JSON, and all of them added up.

Owns the form of the values, an entry being the list of its fields in their order; leaves the file
to `journal.py`. Pure, standard library only.
"""

from __future__ import annotations

import json
from dataclasses import replace
from operator import attrgetter
from typing import Any

from packmule.errors import Failure, FailureCode, WarningCode
from packmule.jobs.model import (
    Checkpoint,
    DoneEntry,
    FailedEntry,
    OpenEntry,
    Progress,
    Remembered,
    WrittenSegment,
)

_fields_of_done = attrgetter(*DoneEntry.__match_args__)
_fields_of_open = attrgetter(*OpenEntry.__match_args__)
_fields_of_progress = attrgetter(
    *(
        name
        for name in Progress.__match_args__
        if name not in {"waiting", "files_open"}  # over by the next run
    )
)


def digest_record(digest: str) -> bytes:
    """Return the record that names the request of a journal."""
    return _json({"digest": digest})


def checkpoint_record(checkpoint: Checkpoint) -> bytes:
    """Return the record of a checkpoint."""
    return _json(
        {
            "tail": checkpoint.tail,
            "progress": _fields_of_progress(checkpoint.progress),
            "done": [_fields_of_done(entry) for entry in checkpoint.done],
            "open": [_fields_of_open(entry) for entry in checkpoint.open],
            "failed": [
                [e.position, e.name, f.code, f.detail, f.http_status, f.attempts]
                for e in checkpoint.failed
                for f in [e.failure]
            ],
        }
    )


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def checkpoint_of(record: bytes) -> Checkpoint | None:
    """Read a checkpoint; None where it is of another form, as a later program may write it."""
    try:
        value: dict[str, Any] = json.loads(record)
        return Checkpoint(
            tail=value["tail"],
            progress=Progress(*value["progress"]),
            done=tuple(_done_of(fields) for fields in value["done"]),
            open=tuple(_open_of(fields) for fields in value["open"]),
            failed=tuple(
                FailedEntry(position, name, Failure(FailureCode(code), *rest))
                for position, name, code, *rest in value["failed"]
            ),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _done_of(fields: list[Any]) -> DoneEntry:
    """Read a finished entry; an older program wrote whether it is a page in place of its code."""
    entry = DoneEntry(*fields)
    if isinstance(entry.warning, bool):
        return entry._replace(warning=WarningCode.HTML_PAGE if entry.warning else None)
    return entry


def _open_of(fields: list[Any]) -> OpenEntry:
    """Read an open entry; an older program wrote no segments."""
    entry = OpenEntry(*fields)
    return replace(entry, segments=tuple(WrittenSegment(*one) for one in entry.segments))


class Sum:
    """Adds checkpoints up: of each file, what was said of it last."""

    def __init__(self) -> None:
        self._tail = 0
        self._latest: dict[int, DoneEntry | OpenEntry | FailedEntry] = {}

    def add(self, checkpoint: Checkpoint) -> None:
        """Add the next checkpoint."""
        self._tail = checkpoint.tail
        # A file that one checkpoint calls both open and done was finished while it was made.
        self._latest.update((entry.position, entry) for entry in checkpoint.open)
        self._latest.update((entry.position, entry) for entry in checkpoint.done)
        self._latest.update((entry.position, entry) for entry in checkpoint.failed)

    def remembered(self) -> Remembered:
        """Return the sum; entries come in the order of their positions."""
        entries = [self._latest[position] for position in sorted(self._latest)]
        return Remembered(
            tail=self._tail,
            done=tuple(entry for entry in entries if isinstance(entry, DoneEntry)),
            open=tuple(entry for entry in entries if isinstance(entry, OpenEntry)),
            failed=tuple(entry for entry in entries if isinstance(entry, FailedEntry)),
        )
