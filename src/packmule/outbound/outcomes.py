"""What can be decided about an answer and about a try's end: values, and nothing else.

Owns the words between the state machine and those who carry them out. Leaves deciding to
`transfer.py`, doing to `transfer_handle.py` and `outcome_handler.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from packmule.errors import Failure, FailureCode


class TakeBody(NamedTuple):
    """Hand the body on: its first byte belongs at `start`; `total` is the whole's length."""

    start: int
    total: int | None


class DiscardBody(NamedTuple):
    """Read the body's end, keep nothing of it; then do `after`."""

    after: After


class Follow(NamedTuple):
    """Ask at `location` instead (RFC 9110 15.4)."""

    location: str


class Retry(NamedTuple):
    """Try again: after `delay` seconds, which are to be jittered unless the origin named them.

    `fruitful`: the try brought the body on.
    """

    delay: float
    cause: Failure
    named_by_origin: bool = False
    fruitful: bool = False


class Fail(NamedTuple):
    """Give the source up."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Finished:
    """The body is whole."""


class Answered(NamedTuple):
    """A receiver's answer to a message: its status, and for how many seconds it wants no other."""

    status: int
    retry_after: float | None = None


class TryFailed(NamedTuple):
    """How a try ended other than well: a code, a sentence, and whether trying again may help."""

    code: FailureCode
    detail: str
    lasting: bool = False


Verdict = TakeBody | DiscardBody
"""What a head means."""

Outcome = Retry | Fail | Finished
"""What the end of a taken body means."""

After = Follow | Outcome
"""What is to be done once a try has ended."""
