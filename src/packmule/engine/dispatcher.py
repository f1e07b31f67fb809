"""The main loop of a worker: it runs due tasks, each in a thread, and records how they ended.

Owns threads, timing and the heartbeat; leaves the table to `queue.py`, and which task is next to
`fairness.py`. One thread, the caller's, does all of the engine's database work, one turn at a time:
what ended, what is renewed and what is begun go into one transaction. The handlers' threads only
hand in their answers.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from packmule.engine import fairness
from packmule.engine.clock_steps import ClockSteps
from packmule.engine.interface import Later
from packmule.engine.queue import Ended
from packmule.errors import DatabaseAway, NoThread
from packmule.telemetry.context import about

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from packmule.engine.change_watch import ChangeWatch
    from packmule.engine.interface import Handler
    from packmule.engine.queue import Leased, Queue

log = logging.getLogger(__name__)

# Of a lease: renewed three times in its life, so that one late renewal loses nothing.
RENEW_AFTER = 1 / 3

# Of a lease: where others know a worker by its heart's beat, it beats five times in it.
BEAT_AFTER = 1 / 5

# Seconds between two looks for dead workers, or less with short leases, and after a fault of the
# database.
CENSUS_INTERVAL = 1.0
FAULT_PAUSE = 1.0

LONGEST_BACK_OFF = 60.0

# Seconds after which a task is looked at again whose lost run has not ended here yet.
_STILL_HERE = 1.0

_HASH_DIGITS = 32

# Threads in a row that could not be started, none of which was needed beside another task: a
# process that can do nothing ends, and says why, instead of trying for ever.
_MOST_REFUSED = 5


@dataclass(slots=True)
class _Run:
    """A task in work since `began`; `held` until another worker takes it over."""

    task: Leased
    began: float
    stop: Event = field(default_factory=Event)
    held: bool = True


class Dispatcher:
    """Runs handlers for the tasks of one worker, until `stop` is set and all have returned."""

    def __init__(
        self,
        queue: Queue,
        watch: ChangeWatch,
        *,
        handlers: Mapping[str, Handler],
        concurrency: Mapping[str, int],
        stop: Event,
        clock: Callable[[], float],
        steady: Callable[[], float] | None = None,
        is_gone: Callable[[str], bool],
        lease: float,
    ) -> None:
        self._queue = queue
        self._watch = watch
        self._handlers = handlers
        self._concurrency = concurrency
        self._stop = stop
        self._clock = clock
        self._steady = steady
        self._steps = ClockSteps()
        self._is_gone = is_gone
        self._renew_after = lease * RENEW_AFTER
        self._census_every = min(CENSUS_INTERVAL, lease * BEAT_AFTER)
        self._running: dict[str, _Run] = {}  # by lease: a task that was lost may come back
        self._stopped: Counter[tuple[str, str]] = Counter()
        self._answers: SimpleQueue[Ended] = SimpleQueue()
        self._ended: list[Ended] = []
        self._is_failing = self._is_away = False
        self._refused = 0
        self._wake = Event()
        self._look_at = self._renew_at = self._census_at = float("-inf")

    def __repr__(self) -> str:
        """Show what is in work; lost are runs whose task another worker has taken over."""
        lost = sum(not run.held for run in self._running.values())
        state = " failing" * self._is_failing + " stopping" * self._stop.is_set()
        return f"<Dispatcher running={len(self._running)} lost={lost}{state}>"

    def run(self) -> None:
        """Turn until asked to stop and drained. Raises NoThread."""
        while not self._is_over():
            self._wake.wait(self.turn())
            self._wake.clear()
            if self._refused >= _MOST_REFUSED and not self._running:
                raise NoThread(
                    "No task can be run: the system refused to start a thread "
                    f"{self._refused} times in a row. Give the process more memory, or raise its "
                    "limit of processes (ulimit -u, the container's pids limit)."
                )

    def _is_over(self) -> bool:
        """Return whether the work is stopped and all handlers have returned.

        Where the database does not work, what could not be given back is free when we are gone.
        """
        left = len(self._ended) if self._is_failing else 0
        return self._stop.is_set() and len(self._running) == left

    def turn(self) -> float:
        """Do what there is to do now; return the seconds until the next turn.

        Raises nothing, whatever happens: a worker that ended here would end all that is in work.
        """
        try:
            self._take_turn()
        except DatabaseAway as error:
            if not self._is_away:
                log.warning("task queue not reachable, trying again reason=%s", _reason(error))
            self._is_away = True
        except Exception:
            log.exception("task queue failed, trying again")
        else:
            if self._is_away:
                log.info("task queue reachable")
            self._is_failing = self._is_away = False
            return self._watch.interval
        self._is_failing = True
        self._look_at = float("-inf")
        return FAULT_PAUSE

    def _take_turn(self) -> None:
        """Do it in one transaction; most turns find nothing to do."""
        while not self._answers.empty():
            self._ended.append(self._answers.get())
        self._follow_clock()
        self._take_census()
        stopping = self._stop.is_set()
        if stopping:
            for run in self._running.values():
                run.stop.set()
        now = self._clock()
        changed = self._watch.changed()
        wanted: list[int] = []
        if not stopping and (changed or self._ended or now >= self._look_at):
            wanted = self._look(now)
        # Also when the clock was set back: nobody would renew until it is there again.
        is_time = not self._renew_at - self._renew_after <= now < self._renew_at
        renew = self._in_hand() if is_time else []
        if self._ended or wanted or renew:
            self._exchange(wanted, renew)
            if renew:
                self._renew_at = now + self._renew_after

    def _follow_clock(self) -> None:
        """Where the clock was set, keep the ages of runs, and look and renew at once."""
        step = 0.0
        if self._steady is not None:
            step = self._steps.look(self._clock(), self._steady())
        if not step:
            return
        log.warning("clock set by=%.0f", step)
        for run in self._running.values():
            run.began += step
        self._look_at = self._renew_at = self._census_at = float("-inf")
        self._queue.clock_was_set(step)

    def _take_census(self) -> None:
        """Free the tasks of dead workers, at the start and then at intervals.

        While stopping too: a worker that others know by its heart's beat is alive until it ends.
        """
        now = time.monotonic()
        if now >= self._census_at:
            self._queue.free_the_gone(self._is_gone)
            self._census_at = now + self._census_every

    def _look(self, now: float) -> list[int]:
        """Find what to begin, and when to look again if there is room for more."""
        busy = self._busy()
        free = {
            kind: free
            for kind, most in self._concurrency.items()
            if kind in self._handlers
            and (free := fairness.room([now - run.began for run in busy[kind]], most))
        }
        lasts_at = [run.began + fairness.LASTS_AFTER for runs in busy.values() for run in runs]
        self._look_at = min((at for at in lasts_at if at > now), default=float("inf"))
        self._make_room(now, busy)
        if not free:
            return []
        found = self._queue.find_due(now, free, self._in_work_here())
        if any(len(found[kind]) < most for kind, most in free.items()):
            self._look_at = min(self._look_at, self._queue.next_time(now))
        return [id_ for ids in found.values() for id_ in ids]

    def _busy(self) -> defaultdict[str, list[_Run]]:
        """Return what is in work, by kind, the longest first."""
        ended = {one.task.lease for one in self._ended}
        busy: defaultdict[str, list[_Run]] = defaultdict(list)
        for lease, run in self._running.items():
            if lease not in ended:
                busy[run.task.kind].append(run)
        return busy

    def _make_room(self, now: float, busy: Mapping[str, list[_Run]]) -> None:
        """Ask as many tasks to stop as are waiting, where a kind is full of long ones."""
        for kind, runs in busy.items():
            most = self._concurrency[kind]
            if not fairness.is_full([now - run.began for run in runs], most):
                continue
            found = self._queue.find_due(now, {kind: most}, self._in_work_here())[kind]
            hasty = fairness.over_share(
                [run.task.client for run in runs], map(self._queue.client_of, found)
            )
            ends = {run.task.lease: run.began + self._slice_of(run, hasty) for run in runs}
            over = [run for run in runs if ends[run.task.lease] <= now and not run.stop.is_set()]
            over.sort(key=lambda run: run.task.client not in hasty)  # else the longest stays first
            asked = sum(run.stop.is_set() for run in runs)
            for run in over[: max(0, len(found) - asked)]:
                log.info("task asked to make room task=%s", _name(run.task))
                self._stopped[_subject(run.task)] += 1
                run.stop.set()
            later = (at for at in ends.values() if at > now)
            self._look_at = min(self._look_at, min(later, default=float("inf")))

    def _slice_of(self, run: _Run, hasty: Collection[str]) -> float:
        is_over = run.task.client in hasty
        return fairness.slice_of(self._stopped[_subject(run.task)], is_over=is_over)

    def _in_work_here(self) -> frozenset[int]:
        return frozenset(run.task.id for run in self._running.values())

    def _in_hand(self) -> list[str]:
        ended = {one.task.lease for one in self._ended}
        return [lease for lease, run in self._running.items() if run.held and lease not in ended]

    def _exchange(self, wanted: list[int], renew: list[str]) -> None:
        exchange = self._queue.exchange(self._ended, renew, wanted)
        if self._ended:
            for ended in self._ended:
                del self._running[ended.task.lease]
                if ended.again is None:
                    self._stopped.pop(_subject(ended.task), None)
            self._ended.clear()
            # There is room, and perhaps the next task of the same subject.
            self._look_at = float("-inf")
            self._wake.set()
        for lease in exchange.lost:
            run = self._running[lease]
            log.warning("task lost to another worker task=%s", _name(run.task))
            run.held = False
            run.stop.set()
        for task in exchange.leased:
            self._begin(task)

    def _begin(self, task: Leased) -> None:
        still_here = any(_subject(run.task) == _subject(task) for run in self._running.values())
        run = self._running[task.lease] = _Run(task, self._clock())
        if len(self._running) == 1:
            self._renew_at = self._clock() + self._renew_after
        if still_here:
            # Its earlier run lost the lease and has not ended: two at once would be in each
            # other's way. Others may have it, or we, when that one has ended.
            self._answers.put(Ended(task, again=_STILL_HERE, tries=task.tries - 1))
            self._wake.set()
            return
        name = _name(task)
        try:
            Thread(target=self._work, args=(run,), name=name, daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            log.warning("thread not started task=%s reason=%s", name, error)
            self._refused += 1
            self._answers.put(_failed(task))
            self._wake.set()
        else:
            self._refused = 0

    def _work(self, run: _Run) -> None:
        """Run one handler, in a thread of its own, and hand in its answer whatever happens."""
        task = run.task
        # Most keys are a job's hash, whatever the kind: every line from here on names the job.
        job = {"job": task.key} if len(task.key) == _HASH_DIGITS else {}
        with about(**job):
            self._handle(run, task)

    def _handle(self, run: _Run, task: Leased) -> None:
        ended = _failed(task)
        try:
            match self._handlers[task.kind](task.key, run.stop):
                case None:
                    ended = Ended(task)
                case Later(delay):
                    ended = Ended(task, again=delay)
        except DatabaseAway as error:
            log.warning("task interrupted task=%s reason=%s", _name(task), _reason(error))
        except Exception:
            log.exception(
                "task failed task=%s try=%d retry_in=%.0f",
                _name(task),
                task.tries,
                ended.again,
            )
        finally:
            self._answers.put(ended)
            self._wake.set()


def _subject(task: Leased) -> tuple[str, str]:
    return task.kind, task.key


def _name(task: Leased) -> str:
    """Return a task's name for the log. The whole key may open an archive: show its beginning."""
    return f"{task.kind}-{task.key[:8]}"


def _reason(error: DatabaseAway) -> str:
    return error.reason or str(error)


def _failed(task: Leased) -> Ended:
    """Return that a task is to be tried again, each time later; it is never given up."""
    back_off = min(LONGEST_BACK_OFF, 2.0 ** min(task.tries - 1, 10))
    return Ended(task, again=back_off, tries=task.tries)
