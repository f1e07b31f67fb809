"""The fields of a log line: the job and its attempt, the request; for all lines of a thread.

Owns the fields and how they are set. `about` holds for a block, in this thread and in those that
`anyio` lends to it, so that also the lines of libraries carry them. Where one thread works for
many jobs, whoever speaks for one of them takes `as_extra` along and gives it to the logger as
`extra`. Leaves how a line is written to `cli.logs`.

Fields: `job` (the archive's hash; since it opens the archive, a line has its beginning only),
`attempt` (a number), `request` (an id), `trace_id` (of the caller's trace).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import logging

Fields = Mapping[str, object]

NOTHING: Fields = MappingProxyType({})
_ATTRIBUTE = "packmule_about"

_current: ContextVar[Fields] = ContextVar("packmule_about", default=NOTHING)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Add these fields to all log lines of this block, in this thread."""
    token = _current.set({**_current.get(), **fields})
    try:
        yield
    finally:
        _current.reset(token)


def note(**fields: object) -> None:
    """Add these fields to the log lines of the rest of the current `about` block."""
    _current.set({**_current.get(), **fields})


def current() -> Fields:
    """Return the current fields."""
    return _current.get()


def as_extra() -> Fields:
    """Return the current fields as the `extra` of log lines written elsewhere."""
    return {_ATTRIBUTE: _current.get()}


def fields_of(record: logging.LogRecord) -> Fields:
    """Return a log line's fields: those of the thread that writes it, and its own."""
    given = cast("Fields", getattr(record, _ATTRIBUTE, NOTHING))
    return {**_current.get(), **given}
