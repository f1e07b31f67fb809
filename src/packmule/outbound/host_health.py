"""Track one host's health: how many transfers it can take, when to ask it again, when to give up.

Owns the arithmetic of politeness, a few numbers per host. No host is hammered, and a dead one ends
in bounded time however many links name it. Leaves the order of fetches to `fetch_scheduler.py` and
the tries of a single source to `transfer.py`. Pure: the caller passes in the clock.

    what the end of a try signals about its host
    SERVED    a whole body            clears all faults and pays back what the file's retries cost
    ANSWERED  404, a redirect, bytes  the host is well
    FALTERED  500, cut, stalled       fewer transfers at once, then slower; each retry costs budget
    SILENT    no answer, 429, 503     one round is lost; after too many rounds the host is given up

A file that succeeds in the end pays for its own retries, so only files that fail for good spend the
budget. A round lasts from the beginning of a try to its end: the many tries that were under way
when a host fell silent count as one round.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from packmule.outbound.outcomes import Fail, Finished, Follow, Retry
from packmule.outbound.protocol import SMALL, ProtocolChoice

if TYPE_CHECKING:
    from packmule.outbound.outcomes import After
    from packmule.outbound.transfer import Limits

_FOR_THE_WHOLE_HOST = frozenset({429, 503})
_SERVER_ERROR = 500
_MOST_DOUBLINGS = 64  # beyond any delay, and far from the end of a float
_PACED_AFTER = 8
"""Tries that falter in a row before the host is also asked more slowly."""
AT_FIRST = 8
"""Transfers that any host can take at once; for big bodies more would gain nothing."""


class HostSignal(Enum):
    """What the end of a try says about its host."""

    SERVED = auto()
    ANSWERED = auto()
    FALTERED = auto()
    SILENT = auto()


def host_signal(after: After, *, answered: bool) -> HostSignal:
    """Return what the end of a try says about its host. `answered`: a response head came."""
    match after:
        case Finished():
            return HostSignal.SERVED
        case Follow() | Retry(fruitful=True):
            return HostSignal.ANSWERED
        case Retry(cause=cause) | Fail(cause):
            if not answered or cause.http_status in _FOR_THE_WHOLE_HOST:
                return HostSignal.SILENT
            if isinstance(after, Retry) or (cause.http_status or _SERVER_ERROR) >= _SERVER_ERROR:
                return HostSignal.FALTERED
            return HostSignal.ANSWERED


@dataclass(slots=True, repr=False)
class HostHealth:
    """One host's health: `active` transfers of at most `limit`, and when it may be asked again.

    `per_host` is the highest limit, reached once small bodies have shown that the host can take
    more than `at_first`; `faulted` says whether it ever faltered. `budget` is how many more retries
    it may cost, `rounds` how many times in a row nothing came since `silent_since`.
    """

    per_host: int
    limits: Limits
    at_first: int = AT_FIRST
    limit: float = 0.0
    budget: float = 0.0
    active: int = 0
    not_before: float = 0.0
    faulted: bool = False
    faltered: int = 0
    rounds: int = 0
    silent_since: float = 0.0
    counted_until: float = 0.0
    protocol: ProtocolChoice = field(default_factory=ProtocolChoice)

    def __post_init__(self) -> None:
        self.limit = float(min(self.per_host, self.at_first))
        self.budget = float(self.limits.host_retries)

    def __repr__(self) -> str:
        state = "well" if self.is_well else f"faltered={self.faltered} silent={self.rounds}"
        return (
            f"<HostHealth active={self.active}/{int(self.limit)} budget={self.budget:g} "
            f"not_before={self.not_before:g} {state}>"
        )

    @property
    def is_well(self) -> bool:
        """Return whether its last signal was good."""
        return not self.faltered and not self.rounds

    def served(self, refund: int, size: int) -> None:
        """Record a whole body of `size` bytes whose retries have cost `refund`.

        The limit grows as in TCP (RFC 5681 3.1): it doubles each round until the first fault, then
        grows by one each round.
        """
        self.faltered = self.rounds = 0
        most = self.per_host if size <= SMALL else min(self.per_host, self.at_first)
        if self.limit < most:
            self.limit = min(most, self.limit + (1 / self.limit if self.faulted else 1))
        elif self.limit > most:
            self.limit = max(most, self.limit - 1)
        if refund or self.budget < self.limits.host_retries:
            self.budget = min(self.limits.host_retries, self.budget + refund + 1)

    def answered(self) -> None:
        """Record a response for one file."""
        self.faltered = self.rounds = 0

    def falter(self, now: float) -> None:
        """Record a fault: ask for less at once and, if faults go on, more slowly."""
        self.rounds = 0
        self.faltered += 1
        self._halve()
        first = self.limits.first_delay
        if self.budget < 1:
            self._hold(now + first / 5)
        elif self.faltered > _PACED_AFTER:
            self._hold(now + min(first * 2, first / 16 * 2 ** min(9, self.faltered - _PACED_AFTER)))

    def pay(self) -> bool:
        """Take one retry from the budget; return False if none is left."""
        if self.budget < 1:
            return False
        self.budget -= 1
        return True

    def fall_silent(self, began: float, now: float, until: float | None) -> bool:
        """Record a try, begun at `began`, that brought nothing; return whether to give the host up.

        `until` is when the host may be asked again, if its response says or implies a time.
        """
        self._halve()
        if until is not None:
            self._hold(until)
        if self.rounds and began < self.counted_until:
            return False
        if not self.rounds:
            self.silent_since = now
        self.rounds += 1
        self.counted_until = now
        if self.rounds >= self.limits.attempts:
            self.rounds = 0
            return True
        if self.rounds > 1:
            delay = self.limits.first_delay * 2 ** min(_MOST_DOUBLINGS, self.rounds - 2)
            self._hold(now + min(self.limits.longest_delay, delay))
        return False

    def _halve(self) -> None:
        self.faulted = True
        self.limit = max(1.0, self.limit / 2)

    def _hold(self, until: float) -> None:
        self.not_before = max(self.not_before, until)
