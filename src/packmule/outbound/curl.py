"""The transfer loop: every transfer of this process, over one libcurl multi handle in one thread.

Owns the thread, starting tries and noticing their ends. Leaves decisions to `transfer.py`, what an
end asks for to `endings.py`, turns to `politeness.py`, slow transfers to `watch.py`, the handles'
rules to `slot.py`, sockets to `readiness.py`. Other threads reach the loop by `add`, `remove`,
`submit` and `nudge` only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import pycurl

from packmule.errors import FailureCode
from packmule.outbound import faults, transfer, watch
from packmule.outbound.endings import Endings, internal
from packmule.outbound.politeness import Schedule
from packmule.outbound.readiness import Readiness
from packmule.outbound.receiver import BodyRefused
from packmule.outbound.resolver import Resolver
from packmule.outbound.slot import Slot, address_refused
from packmule.outbound.verdicts import Broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.lane import HostKey, Lane
    from packmule.outbound.loop_settings import LoopSettings
    from packmule.outbound.resolver import Resolution

_log = logging.getLogger(__name__)

_LONGEST_TURN = 30.0
_WAIT_FOR_LOOP = 1.0


class TransferLoop:
    """Fetches for many jobs at once; start it, `add` lanes of fetches, close it."""

    def __init__(
        self,
        rules: AddressRules,
        settings: LoopSettings,
        *,
        resolver: Resolver | None = None,
        may_start: Callable[[], bool] = lambda: True,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._rules = rules
        self._settings = settings
        self._resolver = resolver or Resolver()
        self._may_start = may_start
        self._on_failure = on_failure
        self._schedule = Schedule(
            per_host=settings.transfers_per_host,
            transfers=settings.transfers,
            limits=settings.limits,
        )
        self._endings = Endings(self._schedule, settings.limits, rules)
        self._commands: deque[Callable[[], None]] = deque()
        self._next_look = 0.0
        self._closing = False
        self._ended_for_good = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="transfers", daemon=True)
        self._multi = pycurl.CurlMulti()
        self._ready = Readiness(self._multi)
        self._multi.setopt(pycurl.M_MAXCONNECTS, settings.transfers * 2)
        # Handles live as long as the multi; there are as many as were ever open at once.
        self._by_curl: dict[pycurl.Curl, Slot] = {}
        self._free = [self._new_slot() for _ in range(settings.transfers)]
        self._active: set[Slot] = set()
        self._resolving: dict[Fetch, Lane] = {}

    def start(self) -> None:
        """Start the loop's thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop; transfers in work end where they are, their receivers are told nothing."""
        self._closing = True
        self.nudge()
        self._thread.join()
        self._resolver.close()

    def add(self, lane: Lane, fetches: Iterable[Fetch]) -> None:
        """Begin a job's fetches (any thread)."""
        wanted = list(fetches)
        if not self.submit(lambda: self._schedule.add(lane, wanted, time.monotonic())):
            for fetch in wanted:
                self._endings.fail(fetch, internal(RuntimeError("the loop has ended"), fetch))

    def remove(self, lane: Lane) -> None:
        """Stop a job's fetches and wait until none of its receivers is called any more."""
        gone = threading.Event()

        def stop() -> None:
            self._schedule.remove(lane)
            for slot in [slot for slot in self._active if slot.lane is lane]:
                self._drop(slot)
            gone.set()

        if self.submit(stop):
            while not gone.wait(_WAIT_FOR_LOOP) and self._thread.is_alive():
                pass

    def submit(self, command: Callable[[], None]) -> bool:
        """Have something done in the loop's thread, soon (any thread); False where it has ended."""
        with self._lock:
            if self._ended_for_good:
                return False
            self._commands.append(command)
        self.nudge()
        return True

    def nudge(self) -> None:
        """Wake the loop: there may be room again, or something to do (any thread)."""
        self._ready.wake()

    def in_work(self) -> int:
        """Count the transfers under way (any thread)."""
        return len(self._active)

    def under_way(self) -> int:
        """Count the bytes that have come by transfers that have not ended (any thread)."""
        return sum(slot.came for slot in self._active.copy())

    def _new_slot(self) -> Slot:
        slot = Slot(
            self._rules,
            self._settings.limits,
            connect_timeout=self._settings.connect_timeout,
            ca_file=self._settings.ca_file,
            opened=self._ready.opened,
        )
        self._by_curl[slot.curl] = slot
        return slot

    def _run(self) -> None:
        try:
            while not self._closing:
                self._turn()
        except Exception as error:  # noqa: BLE001 - told, logged, and every job learns it
            _log.exception("the transfer loop has failed")
            self._on_failure()
            self._abandon(error)
        finally:
            with self._lock:
                self._ended_for_good = True
            for slot in tuple(self._active):
                self._drop(slot)
            self._multi.close()
            self._ready.close()

    def _abandon(self, error: Exception) -> None:
        """Let no job wait for what will never come: everything not yet fetched has failed."""
        with self._lock:
            self._ended_for_good = True
        while self._commands:
            try:
                self._commands.popleft()()
            except Exception:  # noqa: BLE001 - one of them may be what has ended the loop
                _log.exception("a command of the transfer loop has failed")
        open_to = [slot.fetch for slot in self._active if slot.fetch is not None]
        open_to += [fetch for fetch, lane in self._resolving.items() if not lane.removed]
        for fetch in open_to + self._schedule.take_all():
            self._endings.fail(fetch, internal(error, fetch))

    def _turn(self) -> None:
        """Wait for what is ready, let libcurl work, then start what may start."""
        now = time.monotonic()
        due = self._schedule.next_due()
        if self._active:
            due = min(due, self._next_look)
        if self._ready.turn(min(_LONGEST_TURN, max(0.0, due - now)), now, len(self._active)):
            self._woken()
        now = time.monotonic()
        self._end_tries()
        self._schedule.wake(now)
        if now >= self._next_look:
            self._next_look = now + watch.interval(self._settings.stall_timeout)
            self._end_slow_tries(now)
        self._start_tries(now)

    def _woken(self) -> None:
        while self._commands:
            self._commands.popleft()()
        for slot in [slot for slot in self._active if slot.paused]:
            slot.paused = False
            try:
                slot.curl.pause(pycurl.PAUSE_CONT)
            except pycurl.error as error:
                # What had been held back was refused, or the connection broke meanwhile.
                self._ended(slot, slot.stopped_by or faults.broken(error.args[0]))
        self._ready.timer = 0.0

    def _start_tries(self, now: float) -> None:
        while self._may_start():
            turn = self._schedule.next(now)
            if turn is None:
                return
            lane, fetch = turn
            if not self._endings.may_begin(lane, fetch, now):
                continue
            if fetch.asked.is_address:
                self._begin(lane, fetch, (), now)
            else:
                self._resolve(lane, fetch, now)

    def _begin(self, lane: Lane, fetch: Fetch, pin: tuple[str, ...], now: float) -> None:
        fetch.state = transfer.begin(fetch.state)
        slot = None
        try:
            slot = self._free.pop() if self._free else self._new_slot()
            slot.begin(lane, fetch, pin, now, http2=self._schedule.prefers_http2(lane, fetch))
            self._multi.add_handle(slot.curl)
        except Exception as error:  # noqa: BLE001 - the source's failure, not the loop's
            if slot is not None:
                slot.lane = slot.fetch = None
                self._free.append(slot)
            self._endings.end(lane, fetch, error)
            return
        self._active.add(slot)

    def _resolve(self, lane: Lane, fetch: Fetch, now: float) -> None:
        """Look the host up ourselves, so that every address of the answer is judged."""

        def done(resolution: Resolution) -> None:
            self.submit(lambda: self._resolved(lane, fetch, resolution))

        resolution = self._resolver.resolve(fetch.asked.host, fetch.asked.port, done)
        if resolution is not None:
            self._resolved(lane, fetch, resolution, now)
        else:
            self._resolving[fetch] = lane

    def _resolved(
        self, lane: Lane, fetch: Fetch, resolution: Resolution, now: float | None = None
    ) -> None:
        self._resolving.pop(fetch, None)
        if lane.removed:
            self._endings.drop(lane, fetch)
        elif resolution.error is not None:
            fetch.state = transfer.begin(fetch.state)
            self._endings.end(lane, fetch, Broken(FailureCode.DNS, resolution.error))
        elif not self._rules.permits_all(resolution.addresses):
            self._endings.end(lane, fetch, address_refused(fetch))
        else:
            self._begin(lane, fetch, resolution.addresses, now or time.monotonic())

    def _end_tries(self) -> None:
        broke: set[HostKey] = set()
        while True:
            left, whole, broken = self._multi.info_read()
            for curl in whole:
                slot = self._by_curl[curl]
                if slot.http2 and not slot.speaks_http2:
                    self._endings.avoid_http2(slot.fetch)
                self._ended(slot, slot.stopped_by or (None if slot.answered else faults.NO_ANSWER))
            for curl, number, _message in broken:
                slot = self._by_curl[curl]
                if slot.http2 and slot.fetch is not None and faults.of_http2(number):
                    self._endings.avoid_http2(slot.fetch)
                    broke.add(slot.fetch.host_key)
                self._ended(slot, slot.stopped_by or faults.broken(number))
            if not left:
                break
        if broke:
            self._end_http2(broke)
        self._endings.tell()

    def _end_http2(self, hosts: set[HostKey]) -> None:
        """End what shares a broken connection: libcurl may leave it waiting for ever."""
        for slot in tuple(self._active):
            if slot.http2 and slot.fetch is not None and slot.fetch.host_key in hosts:
                self._ended(slot, slot.stopped_by or faults.HTTP2_BROKE)

    def _ended(self, slot: Slot, error: Broken | Exception | None) -> None:
        lane, fetch, after = slot.lane, slot.fetch, slot.after
        page = slot.page if after is not None else b""
        answered = slot.answered
        self._release(slot)
        assert lane is not None  # noqa: S101 - a slot in use has both
        assert fetch is not None  # noqa: S101
        if after is not None and not isinstance(error, BodyRefused):
            # The verdict stood before the unwanted body was cut off or broke off.
            error = None
        self._endings.end(lane, fetch, error, after, answered=answered, page=page)

    def _end_slow_tries(self, now: float) -> None:
        for slot in tuple(self._active):
            if (broken := watch.look(slot, now, self._settings)) is not None:
                self._ended(slot, slot.stopped_by or broken)
            elif slot.fetch is not None:
                self._schedule.mark(slot.fetch, slow=watch.is_slow(slot, now, self._settings))

    def _drop(self, slot: Slot) -> None:
        """End a try that nobody waits for any more."""
        if slot.lane is not None and slot.fetch is not None:
            self._endings.stop(slot.lane, slot.fetch, slot.came)
        self._release(slot)

    def _release(self, slot: Slot) -> None:
        self._multi.remove_handle(slot.curl)
        self._active.discard(slot)
        self._free.append(slot)
        slot.lane = slot.fetch = slot.write = None
        slot.paused = False
