"""The transfer loop: every transfer of this process, on one libcurl multi handle in one thread.

Owns the thread, starting tries and noticing their ends. Leaves decisions to `transfer.py`, carrying
out an outcome to `outcome_handler.py`, the order of fetches to `fetch_scheduler.py`, slow transfers
to `stall_detector.py`, libcurl options and callbacks to `transfer_handle.py`, and sockets to
`readiness.py`. Other threads use only `add`, `remove`, `submit`, `nudge` and those
whose description says so.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import pycurl

from packmule.errors import FailureCode
from packmule.outbound import faults, protocol, segment_starter, stall_detector, transfer
from packmule.outbound.fetch_scheduler import FetchScheduler
from packmule.outbound.lookup_ahead import look_ahead
from packmule.outbound.lookup_turns import Asker
from packmule.outbound.outcome_handler import OutcomeHandler, internal
from packmule.outbound.outcomes import TryFailed
from packmule.outbound.rate_limiter import RateLimits
from packmule.outbound.readiness import Readiness
from packmule.outbound.receiver import BodyRefused, SegmentFilled
from packmule.outbound.resolver import Resolver
from packmule.outbound.segment_starter import LargeHead, SegmentStarter
from packmule.outbound.ssrf_guard import SsrfGuard
from packmule.outbound.transfer_handle import TransferHandle, address_refused
from packmule.telemetry.metrics import TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.egress_proxy import EgressProxy
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.host_sharing import FleetClaims, HostUse
    from packmule.outbound.job_queue import HostKey, JobQueue
    from packmule.outbound.loop_settings import LoopSettings
    from packmule.outbound.resolver import Resolution

_log = logging.getLogger(__name__)

_LONGEST_TURN = 30.0
_WAIT_FOR_LOOP = 1.0
_SHORT_LOOKUP, _FAILED_LOOKUP = 2.0, 60.0
"""Seconds for a look-up, and until the next, where a proxy goes on without an answer."""
_MEASURE_EVERY = 0.01
_IDLE_CONNECTIONS = 64


class TransferLoop:
    """Fetches for many jobs at once: `start` it, `add` queues of fetches, `close` it."""

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
        self._proxy = settings.proxy
        self._guard = SsrfGuard(rules, proxied=settings.proxy is not None)
        self._resolver = resolver or _resolver_for(settings.proxy)
        self._may_start = may_start
        self._on_failure = on_failure
        self._scheduler = FetchScheduler(
            per_host=settings.transfers_per_host,
            transfers=settings.transfers,
            limits=settings.limits,
            host_limits=settings.host_limits,
        )
        self._rates = RateLimits(settings.max_rate, settings.host_limits)
        self._outcomes = OutcomeHandler(self._scheduler, settings.limits, rules)
        self._segments = SegmentStarter(
            self._scheduler,
            self._outcomes.segments.files,
            begin=self._begin_segment,
            stop=self._stop_segment,
        )
        self._commands: deque[Callable[[], None]] = deque()
        self._next_look = self._next_measure = 0.0
        self._closing = False
        self._ended_for_good = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="transfers", daemon=True)
        self._multi = pycurl.CurlMulti()
        self._ready = Readiness(self._multi)
        kept_open = settings.transfers + min(settings.transfers, _IDLE_CONNECTIONS)
        self._multi.setopt(pycurl.M_MAXCONNECTS, kept_open)
        self._multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, protocol.STREAMS)
        # Handles live as long as the multi handle; there are as many as were ever open at once.
        self._by_curl: dict[pycurl.Curl, TransferHandle] = {}
        self._free = [self._new_handle()]
        self._active: set[TransferHandle] = set()
        self._resolving: dict[Fetch, JobQueue] = {}

    def start(self) -> None:
        """Start the loop's thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop; open transfers end where they are, and their receivers are not called again."""
        self._closing = True
        self.nudge()
        self._thread.join()
        self._resolver.close()

    def add(self, queue: JobQueue, fetches: Iterable[Fetch]) -> None:
        """Start a job's fetches. Any thread may call this."""
        wanted = list(fetches)
        if not self.submit(lambda: self._scheduler.add(queue, wanted, time.monotonic())):
            for fetch in wanted + queue.take_everything():
                self._outcomes.fail(fetch, internal(RuntimeError("the loop has ended"), fetch))

    def remove(self, queue: JobQueue) -> None:
        """Stop a job's fetches and wait until none of its receivers can be called any more."""
        gone = threading.Event()

        def stop() -> None:
            self._scheduler.remove(queue)
            for handle in [handle for handle in self._active if handle.queue is queue]:
                self._drop(handle)
            gone.set()

        if self.submit(stop):
            while not gone.wait(_WAIT_FOR_LOOP) and self._thread.is_alive():
                pass

    def submit(self, command: Callable[[], None]) -> bool:
        """Run a command in the loop's thread soon; return False if the loop has ended.

        Any thread may call this.
        """
        with self._lock:
            if self._ended_for_good:
                return False
            self._commands.append(command)
        self.nudge()
        return True

    @property
    def has_ended(self) -> bool:
        """Return whether the thread is no more: nothing will be fetched."""
        return not self._thread.is_alive()

    def nudge(self) -> None:
        """Wake the loop, as there may be room again. Any thread may call this."""
        self._ready.wake()

    def in_work(self) -> int:
        """Return how many transfers are open. Any thread may call this."""
        return len(self._active)

    def under_way(self) -> int:
        """Return how many bytes open transfers have brought. Any thread may call this."""
        return sum(handle.came for handle in self._active.copy())

    def host_uses(self) -> dict[str, HostUse]:
        """Return what other workers must know of this one's hosts. Any thread may call this."""
        told: dict[str, HostUse] = {}
        ready = threading.Event()

        def tell() -> None:
            told.update(self._scheduler.host_uses(time.monotonic()))
            ready.set()

        if self.submit(tell):
            while not ready.wait(_WAIT_FOR_LOOP) and self._thread.is_alive():
                pass
        return told

    def share_hosts(self, fleet: FleetClaims, allowed: Mapping[str, int]) -> None:
        """Keep to what was agreed with the other workers. Any thread may call this."""
        self.submit(lambda: self._scheduler.share_hosts(fleet, allowed, time.monotonic()))

    def _new_handle(self) -> TransferHandle:
        handle = TransferHandle(
            self._rules,
            self._settings.limits,
            connect_timeout=self._settings.connect_timeout,
            ca_file=self._settings.ca_file,
            user_agent=self._settings.user_agent,
            rates=self._rates,
            opened=self._ready.opened,
            on_large=self._note_large,
            proxy=self._proxy,
            origin_headers=self._settings.origin_headers,
        )
        self._by_curl[handle.curl] = handle
        return handle

    def _run(self) -> None:
        try:
            while not self._closing:
                self._turn()
        except Exception as error:  # noqa: BLE001 - reported, logged, and every job fails
            with suppress(MemoryError):
                _log.exception("transfer loop failed")
            self._on_failure()
            self._abandon(error)
        finally:
            with self._lock:
                self._ended_for_good = True
            for handle in tuple(self._active):
                self._drop(handle)
            self._multi.close()
            self._ready.close()

    def _abandon(self, error: Exception) -> None:
        """Fail everything not yet fetched, so that no job waits for what will never come."""
        with self._lock:
            self._ended_for_good = True
        while self._commands:
            try:
                self._commands.popleft()()
            except Exception:  # noqa: BLE001 - one of them may have ended the loop
                _log.exception("transfer loop command failed")
        open_to = [handle.fetch for handle in self._active if handle.fetch is not None]
        open_to += [fetch for fetch, queue in self._resolving.items() if not queue.removed]
        open_to += self._scheduler.take_all()
        for fetch in dict.fromkeys(map(self._outcomes.segments.own, open_to)):
            self._outcomes.fail(fetch, internal(error, fetch))

    def _turn(self) -> None:
        """Wait for ready sockets, let libcurl work, then start what may start."""
        now = time.monotonic()
        due = min(self._scheduler.next_due(), self._segments.due)
        if self._active:
            due = min(due, self._next_look, *(handle.held_until for handle in self._active))
        if self._ready.turn(min(_LONGEST_TURN, max(0.0, due - now)), now, len(self._active)):
            self._woken()
        now = time.monotonic()
        self._resume_held(now)
        self._end_tries()
        self._scheduler.wake(now)
        if now >= self._next_look:
            self._next_look = now + stall_detector.interval(self._settings.stall_timeout)
            self._end_slow_tries(now)
        self._start_tries(now)
        self._segments.end_needless()
        if now >= self._next_measure:
            self._next_measure = now + _MEASURE_EVERY
            if self._scheduler.measure(now):
                self._start_tries(now)
                self._segments.hasten()
        if now >= self._segments.due:
            self._share_large_files(now)

    def _share_large_files(self, now: float) -> None:
        """Let large files use the room that no waiting file wants."""
        if not self._segments.looks(now, may_start=self._may_start()):
            return
        if self._segments.give_way(now):
            self._start_tries(now)
        self._segments.start(now)

    def _woken(self) -> None:
        while self._commands:
            self._commands.popleft()()
        for handle in [each for each in self._active if each.paused and not each.is_held]:
            self._resume(handle)
        self._ready.timer = 0.0

    def _resume_held(self, now: float) -> None:
        """Let transfers go on that waited for their rate, the one that waited longest first."""
        held = [handle for handle in self._active if handle.held_until <= now]
        for handle in sorted(held, key=lambda each: each.held_since):
            if handle.may_go_on(now):
                self._resume(handle)
                self._ready.timer = 0.0

    def _resume(self, handle: TransferHandle) -> None:
        handle.paused = False
        try:
            handle.curl.pause(pycurl.PAUSE_CONT)
        except pycurl.error as error:
            # The bytes held back were refused, or the connection broke meanwhile.
            self._ended(handle, handle.stopped_by or faults.broken(error.args[0]))

    def _start_tries(self, now: float) -> None:
        while self._may_start():
            turn = self._scheduler.next(now)
            if turn is None:
                return
            queue, fetch = turn
            if fetch.state.total is not None and not self._segments.resume(queue, fetch, now):
                self._outcomes.drop(queue, fetch)
                continue
            if not self._outcomes.may_begin(queue, fetch, now):
                continue
            self._look_up_and_begin(queue, fetch, now)

    def _look_up_and_begin(self, queue: JobQueue, fetch: Fetch, now: float) -> None:
        if fetch.asked.is_address and self._proxy is None:
            self._begin(queue, fetch, (), now)
        else:
            self._resolve(queue, fetch, now)

    def _begin_segment(self, queue: JobQueue, fetch: Fetch, now: float) -> None:
        """Begin one more transfer of a large file; it waited in no queue."""
        self._scheduler.begin_segment(queue, fetch)
        self._look_up_and_begin(queue, fetch, now)

    def _stop_segment(self, queue: JobQueue, fetch: Fetch) -> None:
        """End the transfer of a segment in the middle; the file keeps what it has brought."""
        self._resolving.pop(fetch, None)
        for handle in [each for each in self._active if each.fetch is fetch]:
            self._outcomes.count_stopped(handle.came)
            self._release(handle)
        self._outcomes.drop(queue, fetch)

    def _note_large(self, handle: TransferHandle, waited: float) -> None:
        """Note the head of a large file whose bytes several transfers may bring."""
        if handle.queue is not None and handle.fetch is not None:
            kept, now = handle.fetch.kept, time.monotonic()
            self._segments.saw(LargeHead(handle, handle.queue, handle.fetch, kept, now, waited))

    def _begin(self, queue: JobQueue, fetch: Fetch, pin: tuple[str, ...], now: float) -> None:
        fetch.state = transfer.begin(fetch.state, self._settings.limits)
        handle = None
        try:
            handle = self._free.pop() if self._free else self._new_handle()
            http2 = fetch.lane is None and self._prefers_http2(queue, fetch)
            handle.begin(queue, fetch, pin, now, http2=http2)
            self._multi.add_handle(handle.curl)
        except Exception as error:  # noqa: BLE001 - the source's failure, not the loop's
            if handle is not None:
                handle.queue = handle.fetch = None
                self._free.append(handle)
            self._outcomes.end(queue, fetch, error)
            return
        self._active.add(handle)

    def _prefers_http2(self, queue: JobQueue, fetch: Fetch) -> bool:
        host = fetch.host
        if fetch.asked.scheme == "https" and host is not None and not host.protocol.is_known:
            for handle in self._active:
                if handle.host is host and handle.answered:
                    handle.note_round_trip()
        return self._scheduler.prefers_http2(queue, fetch)

    def _resolve(self, queue: JobQueue, fetch: Fetch, now: float) -> None:
        """Look the host up ourselves, so that every address of the answer is checked."""

        def done(resolution: Resolution) -> None:
            self.submit(lambda: self._resolved_late(queue, fetch, resolution))

        asker = Asker(queue.client, queue)
        resolution = self._resolver.resolve(fetch.asked.host, fetch.asked.port, done, asker)
        if resolution is not None:
            self._resolved(queue, fetch, resolution, now)
        else:
            self._resolving[fetch] = queue
        look_ahead(queue, self._resolver)

    def _resolved_late(self, queue: JobQueue, fetch: Fetch, resolution: Resolution) -> None:
        if self._resolving.pop(fetch, None) is not None:  # else it was stopped meanwhile
            self._resolved(queue, fetch, resolution)

    def _resolved(
        self, queue: JobQueue, fetch: Fetch, resolution: Resolution, now: float | None = None
    ) -> None:
        if queue.removed:
            self._outcomes.drop(queue, fetch)
            return
        failed = self._why_not(fetch, resolution)
        if failed is None:
            pin = resolution.addresses
            if self._proxy is not None:
                pin = self._proxy.names(pin)
            self._begin(queue, fetch, pin, now or time.monotonic())
            return
        if isinstance(failed, TryFailed):
            fetch.state = transfer.begin(fetch.state, self._settings.limits)
        self._outcomes.end(queue, fetch, failed)

    def _why_not(self, fetch: Fetch, resolution: Resolution) -> TryFailed | BodyRefused | None:
        """Return why a host must not be asked by what its name resolves to, or None."""
        if resolution.error is not None:
            if self._proxy is not None and self._proxy.resolves_names:
                return None  # where the proxy is the only way out, there may be no DNS but its own
            enough = 2 if resolution.is_unknown else None
            return TryFailed(FailureCode.DNS, resolution.error, enough=enough)
        try:
            may = self._guard.may_lead_to(resolution.addresses)
        except OSError as error:
            return faults.no_socket(error)
        return None if may else address_refused(fetch)

    def _end_tries(self) -> None:
        broke: set[HostKey] = set()
        while True:
            left, whole, broken = self._multi.info_read()
            for curl in whole:
                handle = self._by_curl[curl]
                handle.note_round_trip()
                if handle.http2 and not handle.speaks_http2 and handle.is_connection_new:
                    self._outcomes.avoid_http2(handle.fetch)
                unanswered = None if handle.answered else faults.NO_FINAL_RESPONSE
                self._ended(handle, handle.stopped_by or unanswered)
            for curl, number, message in broken:
                handle = self._by_curl[curl]
                if handle.http2 and handle.fetch is not None and faults.of_http2(number):
                    self._outcomes.avoid_http2(handle.fetch)
                    broke.add(handle.fetch.host_key)
                if handle.fetch is not None and faults.of_length(number, message):
                    handle.fetch.ignores_length = True
                self._ended(handle, handle.stopped_by or handle.cause(number, message))
            if not left:
                break
        if broke:
            self._end_http2(broke)
        self._outcomes.count()

    def _end_http2(self, hosts: set[HostKey]) -> None:
        """End what shares a broken connection: libcurl may leave it waiting forever."""
        for handle in tuple(self._active):
            if handle.http2 and handle.fetch is not None and handle.fetch.host_key in hosts:
                self._ended(handle, handle.stopped_by or faults.HTTP2_BROKE)

    def _ended(self, handle: TransferHandle, error: TryFailed | Exception | None) -> None:
        queue, fetch, after = handle.queue, handle.fetch, handle.after
        page = handle.page if after is not None else b""
        answered = handle.answered
        self._release(handle)
        self._segments.hasten()
        assert queue is not None  # noqa: S101 - a handle in use has both
        assert fetch is not None  # noqa: S101
        if isinstance(error, SegmentFilled):
            error = None  # the rest of its response is another's
        elif after is not None and not isinstance(error, BodyRefused):
            # The outcome was decided before the unwanted body broke off or was cut off.
            error = None
        self._outcomes.end(queue, fetch, error, after, answered=answered, page=page)

    def _end_slow_tries(self, now: float) -> None:
        for handle in tuple(self._active):
            if (broken := stall_detector.check(handle, now, self._settings)) is None:
                broken = segment_starter.check(handle, now)
            if broken is not None:
                self._ended(handle, handle.stopped_by or broken)
            elif stall_detector.must_repeat(handle, now):
                self._repeat(handle, now)
            elif handle.fetch is not None:
                self._scheduler.mark(
                    handle.fetch, slow=stall_detector.is_slow(handle, now, self._settings)
                )

    def _repeat(self, handle: TransferHandle, now: float) -> None:
        """Send a request again, and forget the connection on which it stayed silent."""
        self._multi.remove_handle(handle.curl)
        handle.repeat(now)
        self._multi.add_handle(handle.curl)
        self._ready.timer = 0.0
        TRANSFERS.inc("repeated")

    def _drop(self, handle: TransferHandle) -> None:
        """End a try whose job has been removed."""
        if handle.queue is not None and handle.fetch is not None:
            self._outcomes.stop(handle.queue, handle.fetch, handle.came)
            self._outcomes.segments.files.pop(handle.fetch, None)
        self._release(handle)

    def _release(self, handle: TransferHandle) -> None:
        handle.keep_cookies()
        self._multi.remove_handle(handle.curl)
        self._active.discard(handle)
        self._free.append(handle)
        handle.queue = handle.fetch = handle.host = handle.write = None
        handle.paused = False
        handle.held_until = math.inf


def _resolver_for(proxy: EgressProxy | None) -> Resolver:
    """Make a resolver; where the proxy resolves names as well, one that waits for nobody long."""
    if proxy is not None and proxy.resolves_names:
        return Resolver(timeout=_SHORT_LOOKUP, failure_ttl=_FAILED_LOOKUP)
    return Resolver()
