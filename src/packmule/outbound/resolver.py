"""Resolve names to addresses, outside the transfer loop, and cache the answers for a while.

Owns DNS lookups: some daemon threads around the system's `getaddrinfo`, one lookup per name
however many callers ask, a cache of answers and, briefly, of failures, and a limit on how long
anybody waits. Leaves checking the addresses to `addresses.py`: an answer is cached and passed on as
it came, and is checked at each use.

`getaddrinfo` cannot be stopped once it is called. So nobody waits for it: a watcher thread answers
every `done` whose time is up, queued or running, while the lookup's thread stays with its call
until the system gives up (`resolv.conf`: some 10 to 30 s). A name occupies at most one thread,
because the next lookup of it joins the call that hangs. One client's names occupy at most
`per_client` threads (`lookup_turns.py`), and a thread that is stuck in its call for more than
`timeout` seconds no longer counts among `threads`, up to a bound: another takes its place.

    resolve ──fresh──> Resolution at once
       └──> queued ──> running ──> cached ──> done(Resolution)
               └───────────┴── timeout ─────> done(no answer)
"""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address

from packmule.outbound.lookup_turns import Asker, Lookup, LookupTurns

_logger = logging.getLogger(__name__)

_UNKNOWN = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})

LookUp = Callable[[str, int], list[str]]
Done = Callable[["Resolution"], None]

_SOON = 3.0
"""Seconds within which a failed lookup may be repeated for each kind of address."""

NOBODY = Asker()


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name resolves to: its addresses, or why there are none in `error`.

    `expires_at` is on the resolver's clock; `is_unknown`: the name does not exist, or has none.
    """

    host: str
    addresses: tuple[str, ...]
    error: str | None
    expires_at: float
    is_unknown: bool = False


def system_look_up(host: str, port: int) -> list[str]:
    """Return a name's addresses from the system (hosts file, DNS), in its order, each once.

    Raises OSError (gaierror) with the system's reason.
    """
    began = time.monotonic()
    try:
        return _addresses(host, port, socket.AF_UNSPEC)
    except socket.gaierror as error:
        if error.errno != socket.EAI_AGAIN or time.monotonic() - began > _SOON:
            raise
        # A name server may fail for one kind of address, mostly AAAA: the other will do (RFC 8305).
        for family in (socket.AF_INET, socket.AF_INET6):
            with suppress(socket.gaierror):
                return _addresses(host, port, family)
        raise


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[str]:
    # As bytes, so that Python's own IDNA codec does not touch a name that is ASCII already.
    found = socket.getaddrinfo(host.encode("ascii"), port, family, socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Resolver:
    """Resolves names in its own threads; any thread may call its methods.

    Answers are cached for `ttl` seconds and failures for `failure_ttl`; nobody waits longer than
    `timeout` seconds; at most `max_queued` names wait for a thread. Of `threads` one client's names
    hold `per_client` at most; `max_stuck` more replace those that are stuck.
    """

    def __init__(
        self,
        look_up: LookUp = system_look_up,
        threads: int = 16,
        ttl: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        *,
        timeout: float = 10.0,
        failure_ttl: float = 0.2,
        max_queued: int = 1024,
        max_cached: int = 4096,
        per_client: int = 8,
        max_stuck: int = 48,
    ) -> None:
        self._look_up = look_up
        self._max_threads = threads
        self._ttl = ttl
        self._clock = clock
        self._timeout = timeout
        self._failure_ttl = failure_ttl
        self._max_queued = max_queued
        self._max_cached = max_cached
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._deadlines = threading.Condition(self._lock)
        self._max_stuck = max_stuck
        self._turns = LookupTurns(per_client)
        self._running: dict[str, Lookup] = {}
        self._cache: dict[str, Resolution] = {}
        self._threads = 0
        self._watched = False
        self._idle = 0
        self._no_deadline = False  # the watcher sleeps until somebody waits
        self._closed = False

    def resolve(self, host: str, port: int, done: Done, asker: Asker = NOBODY) -> Resolution | None:
        """Return the answer if it is known; else return None and call `done` once, later.

        Known at once are an IP address (as itself), a cached answer or failure, and a refusal, such
        as for too many names waiting. A thread of the resolver calls `done`, which must not block.
        """
        if _is_address(host):
            return Resolution(host, (host,), None, math.inf)
        with self._lock:
            if self._closed:
                return self._failed(host, f"{host} was not looked up: this worker is shutting down")
            known = self._cache.get(host)
            if known is not None and known.expires_at > self._clock():
                return known
            lookup = self._running.get(host)
            if lookup is None:
                lookup = self._turns.get(host)
                is_new = lookup is None
                if lookup is None:
                    if len(self._turns) >= self._max_queued:
                        return self._failed(
                            host, f"{host} was not looked up: too many names are waiting"
                        )
                    lookup = Lookup(host, port)
                self._turns.add(lookup, asker)
                if not self._call_a_thread() and is_new:
                    self._turns.remove(lookup)
                    return self._failed(host, f"{host} was not looked up: no thread can be started")
            lookup.waiting.append((self._clock() + self._timeout, done))
            if self._no_deadline:
                self._deadlines.notify()
            return None

    def expire(self) -> None:
        """Answer everyone whose time is up; the watcher calls this at each deadline."""
        with self._lock:
            overdue = [
                (done, self._remember(self._no_answer(lookup.host)))
                for lookup in (*self._turns, *self._running.values())
                for done in self._take_overdue(lookup)
            ]
            for lookup in self._turns:
                if not lookup.waiting:  # nobody waits any more
                    self._turns.remove(lookup)
            if not self._closed:
                for _ in range(len(self._turns)):
                    self._call_a_thread()  # in the place of one that is stuck
        for done, resolution in overdue:
            _tell(done, resolution)

    def close(self) -> None:
        """Stop: no `done` is called any more; a thread inside a lookup ends after it."""
        with self._lock:
            self._closed = True
            self._turns.clear()
            self._work.notify_all()
            self._deadlines.notify_all()

    def _call_a_thread(self) -> bool:
        """Wake a thread for the new name, or start one; the caller holds the lock.

        Return False if there is none and the system starts none. A thread counts only once it has
        started: one that has not serves nobody.
        """
        self._watched = self._watched or _started(self._watch, "resolver-watch")
        if self._idle < len(self._turns) and self._in_service() < self._max_threads:
            self._threads += _started(self._serve, f"resolver-{self._threads + 1}")
        self._work.notify()
        return self._watched and self._threads > 0

    def _serve(self) -> None:
        """Look up one name after another until closed."""
        while (lookup := self._next()) is not None:
            resolution = self._ask(lookup)
            with self._lock:
                del self._running[lookup.host]
                self._turns.ended(lookup)
                self._remember(resolution)
                waiting = () if self._closed else tuple(lookup.waiting)
            for _, done in waiting:
                _tell(done, resolution)

    def _next(self) -> Lookup | None:
        """Wait for a name that may be looked up; None to end the thread."""
        with self._lock:
            while not self._closed and self._in_service() <= self._max_threads:
                lookup = self._turns.take(self._clock())
                if lookup is not None:
                    self._running[lookup.host] = lookup
                    return lookup
                self._idle += 1
                self._work.wait()
                self._idle -= 1
            self._threads -= 1
            self._work.notify()  # another thread may begin what this one could have
            return None

    def _in_service(self) -> int:
        """Return how many threads count: all but those stuck in a call, as far as these may be."""
        now = self._clock()
        stuck = sum(self._stuck_at(lookup) <= now for lookup in self._running.values())
        return self._threads - min(stuck, self._max_stuck)

    def _stuck_at(self, lookup: Lookup) -> float:
        return math.inf if lookup.began is None else lookup.began + self._timeout

    def _ask(self, lookup: Lookup) -> Resolution:
        """Look a name up; this is where foreign errors are translated."""
        host = lookup.host
        try:
            found = tuple(self._look_up(host, lookup.port))
        except OSError as error:
            return replace(
                self._failed(host, _reason(host, error)), is_unknown=error.errno in _UNKNOWN
            )
        except Exception:  # whatever it was, callers must get an answer, and the thread goes on
            _logger.exception("lookup failed unexpectedly host=%s", host)
            return self._failed(host, f"{host} could not be looked up: internal error")
        if not found:
            return self._failed(host, _no_address(host))
        return Resolution(host, found, None, self._clock() + self._ttl)

    def _watch(self) -> None:
        """Sleep from deadline to deadline; each is kept however long a lookup hangs."""
        while True:
            self.expire()
            with self._lock:
                if self._closed:
                    return
                earliest = self._next_deadline()
                self._no_deadline = earliest is None
                self._deadlines.wait(
                    None if earliest is None else max(0.0, earliest - self._clock())
                )
                self._no_deadline = False

    def _next_deadline(self) -> float | None:
        """Return when somebody's time will be up, or a thread stuck."""
        now = self._clock()
        running = self._running.values()
        times = [each.waiting[0][0] for each in (*self._turns, *running) if each.waiting]
        times += [at for at in map(self._stuck_at, running) if at > now]
        return min(times, default=None)

    def _take_overdue(self, lookup: Lookup) -> list[Done]:
        now = self._clock()
        overdue: list[Done] = []
        while lookup.waiting and lookup.waiting[0][0] <= now:
            overdue.append(lookup.waiting.popleft()[1])
        return overdue

    def _remember(self, resolution: Resolution) -> Resolution:
        """Cache an answer, the newest last; drop the oldest if the cache is full."""
        self._cache.pop(resolution.host, None)
        if len(self._cache) >= self._max_cached:
            del self._cache[next(iter(self._cache))]
        self._cache[resolution.host] = resolution
        return resolution

    def _no_answer(self, host: str) -> Resolution:
        return self._failed(
            host, f"{host} could not be looked up: no answer in {self._timeout:g} s"
        )

    def _failed(self, host: str, error: str) -> Resolution:
        return Resolution(host, (), error, self._clock() + self._failure_ttl)


def _started(work: Callable[[], None], name: str) -> bool:
    """Start a thread; return False if the system has none left."""
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError as error:
        _logger.warning("thread not started name=%s error=%s", name, error)
        return False
    return True


def _tell(done: Done, resolution: Resolution) -> None:
    try:
        done(resolution)
    except Exception:  # one caller that fails must not keep the answer from the others
        _logger.exception("lookup answer rejected by its receiver host=%s", resolution.host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _no_address(host: str) -> str:
    return f"{host} has no address: check the spelling of the link"


def _reason(host: str, error: OSError) -> str:
    """Return why the system found nothing; the codes are those of RFC 3493 6.1."""
    if error.errno in _UNKNOWN:
        return _no_address(host)
    if error.errno == socket.EAI_AGAIN:
        return f"{host} could not be looked up: the name server did not answer"
    return f"{host} could not be looked up: {error.strerror or error}"
