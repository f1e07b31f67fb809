"""Track one host's health: what it answers, when to ask it again, when to give up.

Owns the arithmetic of politeness, a few numbers per host. No host is hammered, and a dead one ends
in bounded time however many links name it. Leaves how many transfers it gets at once to
`concurrency.py`, the order of fetches to `fetch_scheduler.py` and the tries of a single source to
`transfer.py`. Pure: the caller passes in the clock.

    what the end of a try signals about its host
    SERVED    a whole body            clears all faults and pays back what the file's retries cost
    ANSWERED  404, a redirect, bytes  the host is well
    FALTERED  500, cut, stalled       fewer transfers at once, then slower; each retry costs budget
    SILENT    no answer, 503          one round is lost; after too many rounds the host is given up
    BUSY      429, a time to come     a pause for all its files; the host is given up only if it has
                                      served nothing for `longest_retry_after`. If it names no time
                                      and answers other files meanwhile, it gets fewer at once

A host that served a file in the last minutes is not given up for answering 503. A file that
succeeds in the end pays for its own retries, so only files that fail for good spend the budget. A
round lasts from the beginning of a try to its end: the many tries that were under way when a host
fell silent count as one round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from packmule.outbound.concurrency import Concurrency
from packmule.outbound.outcomes import Fail, Finished, Follow, Retry
from packmule.outbound.protocol import BIG, SMALL, ProtocolChoice
from packmule.outbound.response_waits import ResponseWaits

if TYPE_CHECKING:
    from packmule.outbound.outcomes import After
    from packmule.outbound.transfer import Limits

_UNAVAILABLE = 503
_SERVER_ERROR = 500
_MOST_DOUBLINGS = 64  # beyond any delay, and far from the end of a float
_PACED_AFTER = 8
"""Tries that falter in a row before the host is also asked more slowly."""
_A_MOMENT = 300.0
"""Seconds for which a host that served a file is taken to be alive although it answers 503."""
AT_FIRST = 8
"""Transfers that a host gets at once before anything is known of it; browsers begin with six."""
_A_FILE = 128 * 1024
"""What the response for a file counts for beside its bytes: many small files are much work, too."""
_WEIGHT = 0.125
"""Of the newest value in a mean."""
_SHORTEST_WATCH, _WAITS_WATCHED = 0.3, 4
"""Big bodies are watched for so many seconds, and so many waits: a connection needs several round
trips to reach its speed."""


class HostSignal(Enum):
    """What the end of a try says about its host."""

    SERVED = auto()
    ANSWERED = auto()
    FALTERED = auto()
    SILENT = auto()
    BUSY = auto()


def host_signal(after: After, *, answered: bool) -> HostSignal:
    """Return what the end of a try says about its host. `answered`: a response head came."""
    match after:
        case Finished():
            return HostSignal.SERVED
        case Retry(busy=True) | Fail(busy=True):
            return HostSignal.BUSY
        case Follow() | Retry(fruitful=True):
            return HostSignal.ANSWERED
        case Retry(cause=cause) | Fail(cause):
            if not answered or cause.http_status == _UNAVAILABLE:
                return HostSignal.SILENT
            if isinstance(after, Retry) or (cause.http_status or _SERVER_ERROR) >= _SERVER_ERROR:
                return HostSignal.FALTERED
            return HostSignal.ANSWERED


@dataclass(slots=True, repr=False)
class HostHealth:
    """One host's health: `active` transfers of at most `limit`, and when it may be asked again.

    `allowed` bounds it too: this worker's share of the host where other workers fetch from it.
    `per_host` is the highest limit, `concurrency` goes from `at_first` to it. `came` counts bytes
    of bodies, `files` the responses that brought one, `gained` is what the last measurement found.
    `size` and `wait` are the mean size of a file and the mean number of seconds until a response
    begins. `budget` is how many more retries it may cost, `rounds` how many times in a row nothing
    came since `failing_since`, and `pauses` how many times in a row it asked for a pause since
    then, the last one until `paused_until`. `served_at` is when a file last came. `answers`: it has
    answered since it last turned a try away without naming a time.
    """

    per_host: int
    limits: Limits
    at_first: int = AT_FIRST
    allowed: int = -1
    budget: float = field(init=False)
    active: int = 0
    not_before: float = 0.0
    paused_until: float = 0.0
    answers: bool = True
    faltered: int = 0
    rounds: int = 0
    pauses: int = 0
    failing_since: float = 0.0
    served_at: float = -math.inf
    has_answered: bool = False
    counted_until: float = 0.0
    came: int = 0
    files: int = 0
    gained: int = 0
    measured: int = 0
    size: float | None = None
    wait: float = 0.0
    is_big: bool = False
    serves_ranges: bool = True
    waits: ResponseWaits = field(default_factory=ResponseWaits)
    protocol: ProtocolChoice = field(default_factory=ProtocolChoice)
    concurrency: Concurrency = field(init=False)

    def __post_init__(self) -> None:
        self.concurrency = Concurrency(self.at_first, self.per_host)
        self.budget = float(self.limits.host_retries)
        if self.allowed < 0:
            self.allowed = self.per_host

    def __repr__(self) -> str:
        state = (
            "well"
            if self.is_well
            else f"faltered={self.faltered} silent={self.rounds} busy={self.pauses}"
        )
        return (
            f"<HostHealth active={self.active}/{int(self.limit)} "
            f"{self.concurrency.phase.name.lower()} budget={self.budget:g} "
            f"not_before={self.not_before:g} {state}>"
        )

    @property
    def is_well(self) -> bool:
        """Return whether its last signal was good."""
        return not self.faltered and not self.rounds and not self.pauses

    @property
    def limit(self) -> float:
        """How many transfers it gets at once, before the shares of other workers."""
        return self.concurrency.limit

    def respond(self, rank: int, size: int | None, waited: float) -> None:
        """Record a response head that brings a file: its length in bytes, and how long it took.

        `rank` is how many transfers were open once it was asked for.
        """
        self.answers = True
        self.files += 1
        self.waits.note(waited)
        self.concurrency.answered(rank)
        if self.size is None:
            self.size, self.wait = float(size or 0), waited
        else:
            self.wait += (waited - self.wait) * _WEIGHT
            if size is not None:
                self.size += (size - self.size) * _WEIGHT

    def measure(self, now: float) -> bool:
        """Look at what has come until now; return whether the limit has risen."""
        work = self.came + self.files * _A_FILE
        self.gained, self.measured = work - self.measured, work
        is_big = (self.size or 0.0) >= (SMALL if self.is_big else BIG)
        if is_big and not self.is_big:
            self.concurrency.begin_again(now, work)
        self.is_big = is_big
        shortest = max(_SHORTEST_WATCH, _WAITS_WATCHED * self.wait) if is_big else 0.0
        return self.concurrency.measure(now, work, self.active, shortest)

    def served(self, refund: int, now: float = 0.0) -> None:
        """Record a whole body whose retries have cost `refund`."""
        self.faltered = self.rounds = self.pauses = 0
        self.served_at, self.has_answered = now, True
        self.budget = min(self.limits.host_retries, self.budget + refund + 1)

    def answered(self) -> None:
        """Record a response for one file."""
        self.faltered = self.rounds = self.pauses = 0
        self.has_answered = True

    def falter(self, now: float, began: float = math.inf) -> None:
        """Record a fault of a try begun at `began`.

        Ask for less at once and, if faults go on, more slowly.
        """
        self.rounds = self.pauses = 0
        self.has_answered = True
        self.faltered += 1
        self.concurrency.falter(began, now)
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

    def fall_silent(
        self,
        began: float,
        now: float,
        *,
        rank: int = 1,
        answered: bool = False,
        enough: int | None = None,
    ) -> bool:
        """Record a try, begun at `began`, that brought nothing; return whether to give the host up.

        `rank` is how many transfers were open then. `answered`: it did answer, with 503. `enough`
        rounds suffice if it is less than usual.
        """
        self.concurrency.refused(rank, began, now)
        if (self.rounds or self.pauses) and began < self.counted_until:
            return False
        if not self.rounds:
            self.failing_since = now
        self.rounds += 1
        self.pauses = 0
        self.counted_until = now
        alive = answered and now - self.served_at < _A_MOMENT
        most = min(self.limits.attempts, enough or self.limits.attempts)
        if self.rounds >= most and not alive:
            self.rounds = 0
            return True
        if self.rounds > 1:
            delay = self.limits.first_delay * 2 ** min(_MOST_DOUBLINGS, self.rounds - 2)
            self._hold(now + min(self.limits.longest_delay, delay))
        return False

    def pause(self, began: float, now: float, wait: float | None, *, rank: int = 1) -> bool:
        """Record that a try, begun at `began`, met a busy host; return whether to give it up.

        `wait` is for how many seconds the host asks to be left alone, None if it does not say.
        `rank` is how many transfers were open then. Tries that were under way when it first said so
        are part of the same pause.
        """
        self.has_answered = self.waits.counts_downloads = True
        self.concurrency.refused(rank, began, now)
        if wait is None and not self.pauses and self._was_one_too_many(rank, began, now):
            return False
        self.concurrency.start_over(now)
        if self.pauses and began < self.counted_until:
            if wait is not None:
                self._pause_until(now + wait)
            return False
        if not self.pauses:
            self.failing_since = now
        self.pauses += 1
        self.rounds = 0
        self.counted_until = now
        doubled = 2 ** min(_MOST_DOUBLINGS, self.pauses - 1)
        if wait is None:
            wait = min(self.limits.longest_pause, self.limits.first_pause * doubled)
        else:
            # An origin that names a time in vain is asked less and less often all the same.
            wait = max(wait, min(self.limits.longest_delay, self.limits.first_delay * doubled))
        if wait > self.limits.longest_retry_after - (now - self.failing_since):
            self.pauses = 0
            return True
        self._pause_until(now + wait)
        return False

    def turn_away(self, began: float, now: float, wait: float | None, *, rank: int) -> None:
        """Record that one more transfer, begun at `began`, found no way in while others go on.

        `rank` is how many were open then; `wait` is for how many seconds the host asks to be left
        alone, None if it does not say. It is not given up for that.
        """
        self.concurrency.refused(rank, began, now)
        pause = min(wait or 0.0, self.limits.longest_retry_after)
        self._hold(now + max(pause, self.limits.first_delay))

    def _was_one_too_many(self, rank: int, began: float, now: float) -> bool:
        """Return whether fewer at once may be all that the host wants: it answers other files."""
        if rank == 1 or not (self.answers or began < self.counted_until):
            return False
        if self.answers:
            self.answers, self.counted_until = False, now
            self._hold(now + self.limits.first_delay)
        return True

    def _pause_until(self, until: float) -> None:
        self._hold(until)
        self.paused_until = max(self.paused_until, until)

    def heed_pause(self, until: float) -> None:
        """Leave the host alone until then, because it told another worker that it is busy."""
        self.concurrency.start_over(until)
        self._hold(until)

    def _hold(self, until: float) -> None:
        self.not_before = max(self.not_before, until)
