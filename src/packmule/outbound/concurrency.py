"""Decide how many transfers to have open at once, by what they bring.

Owns the arithmetic, for one host or for all hosts together. Leaves which try says what of its host
to `host_health.py`, and starting transfers to `fetch_scheduler.py`. Pure: the caller passes in the
clock and the work done so far (`work`), whose increase per second is what counts.

    RAMP     double, as long as each doubling brings clearly more (as in TCP, RFC 5681 3.1)
    HOLD     stay at what brought the most
    MORE     now and then, for a moment: a quarter more
    LESS     or a fifth less, which is kept if it brings as much
    RECOVER  after a fault: half as many, then back step by step

A transfer's rank is how many were open once it had begun, itself included. A response shows that
the host bears that many, and the limit is never more than twice the highest rank that has been
answered. If tries of a high rank are refused while those of lower ranks are answered, the host is
held below that rank (`bound`) for a while, longer each time that this turns out to be right.
"""

from __future__ import annotations

import math
from enum import Enum, auto

_GAIN, _GAIN_AT_FIRST = 0.2, 0.3
"""What an added transfer must bring, as a part of what those before it bring on average: by a long
look at it, and by the first short one."""
_GAIN_TO_RAMP = 0.7
"""As above: from here on it pays to double again."""
_LOSS = 0.02
"""The part of the rate that may be lost for a fifth fewer connections."""
_MORE, _LESS = 1.25, 0.8
_FULL = 0.75
"""The part of the limit that must have been answered before the rate there is believed."""
_SHORTEST_PROBE = 0.5
_ROUNDS = 6
"""For how many rounds a probe lasts at least; a round is how long the first answers took."""
_FIRST_HOLD, _LONGEST_HOLD = 0.5, 30.0
_HOLD_BEFORE_LESS = 4.0
"""Seconds of the hold from which on fewer are tried: that costs a part of the rate for a moment."""
_FIRST_BOUND, _LONGEST_BOUND = 30.0, 600.0
_ENOUGH_ANSWERS = 3
"""Answers to lower ranks only, after a refusal, that make it one of the rank."""


class Phase(Enum):
    """What the limit is doing."""

    RAMP = auto()
    HOLD = auto()
    MORE = auto()
    LESS = auto()
    RECOVER = auto()


class Concurrency:
    """The limit of transfers open at once: from `at_first` to `most`.

    What is brought never lowers it below `at_first`; refusals and faults do, down to 1.
    """

    __slots__ = (
        "_answers", "_at_first", "_base", "_best", "_best_rate", "_bound_for", "_bound_until",
        "_cut_at", "_doubted", "_hold_for", "_is_next_less", "_level", "_round", "_since",
        "_suspect", "_threshold", "bound", "limit", "most", "phase", "proven",
    )  # fmt: skip

    def __init__(self, at_first: int, most: int) -> None:
        self.most = most
        self.bound = most
        self.proven = 0
        self._at_first = min(at_first, most)
        self.limit = float(self._at_first)
        self._bound_for, self._bound_until = _FIRST_BOUND, math.inf
        self._cut_at = -math.inf
        self._suspect: int | None = None
        self._answers = 0
        self._threshold = 0.0
        self._since = self._base = self._round = 0.0
        self.phase = Phase.RAMP
        self._level, self._best, self._best_rate = self._at_first, 0, 0.0
        self._hold_for = _FIRST_HOLD
        self._doubted = self._is_next_less = False

    def __repr__(self) -> str:
        held = f" bound={self.bound}" if self.bound < self.most else ""
        return f"<Concurrency {self.phase.name.lower()} limit={int(self.limit)}/{self.most}{held}>"

    @property
    def is_settled(self) -> bool:
        """Return whether it is neither looking for its limit nor recovering."""
        return self.phase is Phase.HOLD

    def answered(self, rank: int) -> None:
        """Record that a transfer of this rank was answered with what it asked for."""
        self.proven = max(self.proven, rank)
        if self._suspect is not None:
            self._weigh(rank, self._suspect)
        if self.phase is Phase.RECOVER:
            goal = min(self._level, self.bound)
            if self.limit < goal:
                step = 1.0 if self.limit < self._threshold else 1.0 / self.limit
                self.limit = min(goal, self.limit + step)

    def refused(self, rank: int, began: float, now: float) -> None:
        """Record that a try was turned away: 429, 503, a reset, or no answer at all."""
        if rank > 1:
            if self._suspect is None or rank <= self._suspect:
                self._suspect, self._answers = rank - 1, 0
        else:
            self._suspect = None  # alone and yet refused: the number is not what matters
        self.falter(began, now, least=self._suspect or 0)

    def falter(self, began: float, now: float, *, least: float = 0.0) -> None:
        """Record a fault of a try begun at `began`: halve, once for all tries under way.

        It comes back quickly to half, or to `least` if that is more, and further step by step.
        """
        if began < self._cut_at:
            return
        if self.phase in {Phase.MORE, Phase.LESS}:
            self._level = self._best
        self._cut_at = now
        self._threshold = max(self.limit / 2, least)
        self.limit = max(1.0, self.limit / 2)
        self.phase = Phase.RECOVER

    def start_over(self, now: float) -> None:
        """Go down to a single transfer: the host has asked for a pause."""
        self.falter(math.inf, now)
        self.limit = 1.0

    def begin_again(self, now: float, work: float) -> None:
        """Look for the limit again, from near the beginning, as bodies are of another kind now."""
        if self.phase is not Phase.RECOVER:
            self._set(min(int(self.limit), 2 * self._at_first))
            self.phase = Phase.RAMP
            self._best, self._best_rate = 0, 0.0
            self._hold_for, self._doubted = _FIRST_HOLD, False
            self._watch(now, work)

    def measure(self, now: float, work: float, active: int, shortest: float = 0.0) -> bool:
        """Look at the work done until now with `active` open; return whether the limit has risen.

        `work` is in any unit. `shortest` is how many seconds a level is watched at least.
        """
        if self.phase is Phase.RECOVER:
            if self.limit >= min(self._level, self.bound):
                self._hold(now, work)
            return False
        elapsed = now - self._since
        if active < int(self.limit) or elapsed <= 0:
            self._watch(now, work)  # something else is what limits it
            return False
        if elapsed < self._lasts(shortest) or not self._is_answered():
            return False
        rate = (work - self._base) / elapsed
        before = self.limit
        if self.phase is Phase.HOLD:
            self._probe(now, rate)
        else:
            if self.phase is Phase.RAMP and not self._doubted:
                self._round = elapsed
            self._judge(rate, work, now)
        self._watch(now, work)
        return self.limit > before

    def _lasts(self, shortest: float) -> float:
        match self.phase:
            case Phase.RAMP:
                return max(shortest, 2 * self._round) if self._doubted else shortest
            case Phase.HOLD:
                return max(self._hold_for, _ROUNDS * self._round)
            case Phase.LESS:
                return max(2 * _SHORTEST_PROBE, _ROUNDS * self._round, self._hold_for / 4)
            case _:
                return max(_SHORTEST_PROBE, _ROUNDS * self._round, shortest)

    def _is_answered(self) -> bool:
        return self.phase not in {Phase.RAMP, Phase.MORE} or self.proven >= self.limit * _FULL

    def _judge(self, rate: float, work: float, now: float) -> None:
        """Compare the rate at this level with that at the best one so far."""
        level, best = int(self.limit), self._best
        growth = level / best - 1 if best else 1.0
        gain = rate / self._best_rate - 1 if self._best_rate else growth
        is_first_look = self.phase is Phase.RAMP and not self._doubted
        if self.phase is Phase.LESS:
            if gain >= -_LOSS:
                self._best, self._best_rate = level, rate
            self._back(now, work)
        elif gain >= (_GAIN_AT_FIRST if is_first_look else _GAIN) * growth:
            self._best, self._best_rate, self._hold_for = level, rate, _FIRST_HOLD
            self._doubted = False
            if self._cap() <= level:
                self._back(now, work)
            elif is_first_look or gain >= _GAIN_TO_RAMP * growth:
                self.phase = Phase.RAMP
                self._set(2 * level)
            else:
                self.phase = Phase.MORE
                self._set(max(level + 1, int(level * _MORE)))
        elif is_first_look:
            self._doubted = True  # watch this level a second time: its connections are open now
        else:
            if self.phase is Phase.RAMP and gain > 0:
                self._best = int(best * (1 + gain))
            self._back(now, work)

    def _probe(self, now: float, rate: float) -> None:
        """End a hold: try a little more or, if that is not possible or was last, a little less."""
        self._best, self._best_rate = int(self.limit), rate
        if self.bound < self.most and now >= self._bound_until:
            self.bound = min(self.most, self.bound + max(1, self.bound // 4))
        can_more = self._cap() > self._best
        can_less = self._best > self._at_first and self._hold_for >= _HOLD_BEFORE_LESS
        if can_more and not (self._is_next_less and can_less):
            self.phase, self._is_next_less = Phase.MORE, True
            self._set(max(self._best + 1, int(self._best * _MORE)))
        elif can_less:
            self.phase, self._is_next_less = Phase.LESS, False
            self._set(max(self._at_first, int(self._best * _LESS)))
        else:
            self._hold_for = min(_LONGEST_HOLD, 2 * self._hold_for)

    def _weigh(self, rank: int, suspect: int) -> None:
        """Decide whether a refusal was because of its rank."""
        if rank > suspect:
            self._suspect = None
            return
        self._answers += 1
        if self._answers < _ENOUGH_ANSWERS:
            return
        self._suspect = None
        if suspect <= self.bound:
            self._bound_until = self._cut_at + self._bound_for
            self._bound_for = min(_LONGEST_BOUND, 2 * self._bound_for)
            self.bound = suspect
            self.limit = min(self.limit, float(suspect))

    def _cap(self) -> int:
        return min(self.most, self.bound, max(self._at_first, 2 * self.proven))

    def _set(self, level: int) -> None:
        self._level = max(1, min(level, self._cap()))
        self.limit = float(self._level)

    def _back(self, now: float, work: float) -> None:
        """Go back to the best level, and stay there twice as long as last time."""
        self._set(self._best)
        self._hold(now, work)
        self._hold_for = min(_LONGEST_HOLD, 2 * self._hold_for)

    def _hold(self, now: float, work: float) -> None:
        self.phase = Phase.HOLD
        self._level = int(self.limit)
        self._watch(now, work)

    def _watch(self, now: float, work: float) -> None:
        self._since, self._base = now, work
