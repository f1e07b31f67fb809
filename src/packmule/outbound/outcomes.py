"""What can be decided about a response and about the end of a try: plain values.

Owns the vocabulary between the state machine and the code that carries out its decisions. Leaves
deciding to `transfer.py`, and doing to `transfer_handle.py` and `outcome_handler.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from packmule.errors import Failure, FailureCode


class TakeBody(NamedTuple):
    """Pass the body on: its first byte belongs at `start`; `total` is the whole file's length.

    Its first `repeated` bytes are held already, and only compared.
    """

    start: int
    total: int | None
    repeated: int = 0


class DiscardBody(NamedTuple):
    """Read the body to its end and keep nothing of it; then do `after`."""

    after: After


class Follow(NamedTuple):
    """Request `location` instead (RFC 9110 15.4)."""

    location: str


class Retry(NamedTuple):
    """Try again after `delay` seconds, with jitter unless the origin named them.

    `fruitful`: the try made progress. `busy`: the host asks all its files to pause. `enough` is
    as in TryFailed.
    """

    delay: float
    cause: Failure
    named_by_origin: bool = False
    fruitful: bool = False
    busy: bool = False
    enough: int | None = None


class Fail(NamedTuple):
    """The source has failed for good; `busy`: its host asks all files to stay away too long.

    `enough` is as in TryFailed.
    """

    failure: Failure
    busy: bool = False
    enough: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The body is whole."""


class Answered(NamedTuple):
    """A webhook receiver's response: its status, and how many seconds it wants to be left alone.

    `body` is empty unless it was asked for.
    """

    status: int
    retry_after: float | None = None
    body: bytes = b""


class TryFailed(NamedTuple):
    """A try that failed: a code, a detail, and whether every other try would fail as well.

    `enough` is how many such tries in a row are enough where a host has never answered; None for
    the usual number.
    """

    code: FailureCode
    detail: str
    lasting: bool = False
    enough: int | None = None


Verdict = TakeBody | DiscardBody
"""What a response head leads to."""

Outcome = Retry | Fail | Finished
"""What the end of a body that was taken leads to."""

After = Follow | Outcome
"""What to do once a try has ended."""
