"""When a message is tried again, and when no more: decided from one answer, without I/O.

Owns the pauses between tries and what each answer means. The law is Standard Webhooks: 2xx
is delivered, 410 ends it, all else, a redirect too, is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.errors import FailureCode
from packmule.outbound.outcomes import Answered

if TYPE_CHECKING:
    from packmule.outbound.outcomes import TryFailed

_MINUTE, _HOUR = 60.0, 3600.0
FIRST = 5.0
PAUSES = (
    FIRST,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
"""Seconds from one try to the next: ten tries over 75 hours and 35 minutes."""

JITTER = 0.1
"""The part by which a pause may be longer, so that what failed together does not come together."""

LONGEST_RETRY_AFTER = 24 * _HOUR

_GONE = 410
_LASTING = frozenset({FailureCode.ADDRESS_NOT_ALLOWED, FailureCode.URL_INVALID})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""

    status: int


@dataclass(frozen=True, slots=True)
class Again:
    """To be tried again in `pause` seconds. `status` is the answer's, where there was one."""

    pause: float
    status: int | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Not to be tried again, unless the operator asks for it."""

    status: int | None
    detail: str


Verdict = Delivered | Again | GivenUp


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The pauses, all in proportion to the first one, in seconds."""

    first: float = FIRST

    def judge(self, answer: Answered | TryFailed, tries: int, chance: float) -> Verdict:
        """Decide what follows; `tries` counts this one too, `chance` is in [0, 1)."""
        status = answer.status if isinstance(answer, Answered) else None
        if status is not None and 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 15.3
            return Delivered(status)
        detail = _detail(answer)
        if status == _GONE:
            return GivenUp(status, f"{detail}, which asks for no more")
        if not isinstance(answer, Answered) and answer.code in _LASTING:
            return GivenUp(status, detail)
        if tries > len(PAUSES):
            return GivenUp(status, f"{detail}, at the last of {tries} tries")
        return Again(self._pause(answer, tries, chance), status, detail)

    def _pause(self, answer: Answered | TryFailed, tries: int, chance: float) -> float:
        pause = PAUSES[tries - 1] * (self.first / FIRST) * (1 + JITTER * chance)
        asked = answer.retry_after if isinstance(answer, Answered) else None
        return max(pause, min(asked or 0.0, LONGEST_RETRY_AFTER))


def _detail(answer: Answered | TryFailed) -> str:
    if isinstance(answer, Answered):
        return f"the receiver answered {answer.status}"
    return answer.detail
