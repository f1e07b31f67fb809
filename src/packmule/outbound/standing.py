"""A host's standing with us: how many transfers it bears, when it may be asked, and if at all.

Owns the arithmetic of politeness, a few numbers for each host; no host is hammered, and a dead one
ends in bounded time however many links name it. Leaves turns to `politeness.py`, a single source's
tries to `transfer.py`. Pure: the clock is handed in.

    what a try's end says of its host
    SERVED    a whole body            forgives everything, pays back what its tries have cost
    ANSWERED  404, a redirect, bytes  the host is well
    FALTERED  500, cut, stalled       fewer at once, then slower; each retry costs of a budget
    SILENT    no answer, 429, 503     a round is lost; after so many rounds it is given up

A file that succeeds within its tries has paid for them, so the budget is spent only by files that
fail for good. Rounds are counted from one try's beginning to its end: the many tries that were
under way when a host fell silent are one round.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from packmule.outbound.protocol import SMALL, Protocol
from packmule.outbound.verdicts import Fail, Finished, Follow, Retry

if TYPE_CHECKING:
    from packmule.outbound.transfer import Limits
    from packmule.outbound.verdicts import After

_FOR_THE_WHOLE_HOST = frozenset({429, 503})
_SERVER_ERROR = 500
_PACED_AFTER = 8
"""Tries that faltered in a row before the others are slowed down too."""
AT_FIRST = 8
"""Transfers at once that any host is taken to bear; of big bodies more would gain nothing."""


class Said(Enum):
    """What a try's end says of its host."""

    SERVED = auto()
    ANSWERED = auto()
    FALTERED = auto()
    SILENT = auto()


def said(after: After, *, answered: bool) -> Said:
    """Read a try's end as word of its host. `answered`: there was a head, whatever it told."""
    match after:
        case Finished():
            return Said.SERVED
        case Follow() | Retry(fruitful=True):
            return Said.ANSWERED
        case Retry(cause=cause) | Fail(cause):
            if not answered or cause.http_status in _FOR_THE_WHOLE_HOST:
                return Said.SILENT
            if isinstance(after, Retry) or (cause.http_status or _SERVER_ERROR) >= _SERVER_ERROR:
                return Said.FALTERED
            return Said.ANSWERED


@dataclass(slots=True)
class Host:
    """One host's standing: `active` transfers of `limit`, and when it may be asked again.

    `per_host` is the most it gets, once small bodies have shown that it bears more than `at_first`;
    `faulted` whether it ever did. `budget` is how many retries it may still cost;
    `rounds` how many times in a row nothing came, since `silent_since`.
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
    protocol: Protocol = field(default_factory=Protocol)

    def __post_init__(self) -> None:
        self.limit = float(min(self.per_host, self.at_first))
        self.budget = float(self.limits.host_retries)

    @property
    def is_well(self) -> bool:
        """Tell whether the last word of it was good."""
        return not self.faltered and not self.rounds

    def served(self, refund: int, size: int) -> None:
        """Note a whole body of so many bytes, whose tries have cost `refund`.

        How many at once grows as in TCP (RFC 5681 3.1): doubled each round until the first fault,
        then by one each round.
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
        """Note an answer for one file."""
        self.faltered = self.rounds = 0

    def falter(self, now: float) -> None:
        """Note a fault: ask for less at once, and if it goes on, more slowly."""
        self.rounds = 0
        self.faltered += 1
        self._halve()
        first = self.limits.first_delay
        if self.budget < 1:
            self._hold(now + first / 5)
        elif self.faltered > _PACED_AFTER:
            self._hold(now + min(first * 2, first / 16 * 2 ** min(9, self.faltered - _PACED_AFTER)))

    def pay(self) -> bool:
        """Take one retry from the budget; False where there is none left."""
        if self.budget < 1:
            return False
        self.budget -= 1
        return True

    def fall_silent(self, began: float, now: float, until: float | None) -> bool:
        """Note a try, begun then, that nothing came of; True: give the host up.

        `until` is when the host may be asked again, where its answer says or implies that.
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
            delay = self.limits.first_delay * 2 ** (self.rounds - 2)
            self._hold(now + min(self.limits.longest_delay, delay))
        return False

    def _halve(self) -> None:
        self.faulted = True
        self.limit = max(1.0, self.limit / 2)

    def _hold(self, until: float) -> None:
        self.not_before = max(self.not_before, until)
