"""Slow clients: connections that take or send nothing are closed, sooner if connections run short.

Owns how slow a client may be. A client that takes less than 1 kB per second of what waits for it,
for the whole send timeout, is cut off. When connections run short, those that stand still make
room: their clients do not read, do not finish a request, or keep an idle connection open. An
address that holds many connections, and is no proxy of ours, is given little time then. A request
that is waited for (a long poll, an event stream) does not stand still. Leaves the time limits of a
request's head and body to `server.py` and `bodies.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from packmule.web.client_address import parse_address
from packmule.web.open_connections import cut_off, kernel_counts, open_connections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from packmule.outbound.addresses import Network
    from packmule.web.open_connections import OpenConnection
    from packmule.web.path_sends import PathSends

_log = logging.getLogger(__name__)

LEAST_RATE = 1000
"""Bytes a second that a client must take of what waits for it."""

_LOOK_EVERY = 0.1
_MOST_OF_A_CORE = 0.1  # that looking may take, unless connections run short
_SHORT = 1 / 8  # of all connections: with fewer free ones some are closed
_ENOUGH = 1 / 4  # of all connections: so many are free then
# Seconds to stand still when connections run short: a mobile client may pause, a crowd may not.
_PAUSE = 10.0
_PAUSE_IN_CROWD = 0.3
# A crowd is more connections of one address than these, and than a part of all: many people may
# share an address.
_CROWD = 32
_CROWD_PART = 1 / 16
_WARN_EVERY = 60.0


class ConnectionWatch:
    """Watches the connections to a port, of which there may be `connections`, in a thread."""

    def __init__(
        self,
        port: int,
        *,
        connections: int,
        send_timeout: float,
        proxies: Sequence[Network],
        path_sends: PathSends | None = None,
    ) -> None:
        self._port = port
        self._path_sends = path_sends
        self._connections = connections
        self._patience = Patience(
            send_timeout, crowd=max(_CROWD, int(connections * _CROWD_PART)), proxies=proxies
        )
        self._requests: dict[tuple[str, int], _RequestUnderWay] = {}
        self._warned = float("-inf")
        self._stopping = threading.Event()

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with its requests under way noted."""

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            client = scope.get("client")
            if client is None:
                await app(scope, receive, send)
                return
            peer = (client[0], client[1])
            request = self._requests[peer] = _RequestUnderWay(scope)

            async def received() -> Message:
                return request.note(await receive())

            try:
                await app(scope, received, send)
            finally:
                if self._requests.get(peer) is request:
                    del self._requests[peer]

        return noted

    def busy(self) -> set[tuple[str, int]]:
        """Return the clients whose requests are whole and not answered yet."""
        return {peer for peer, each in self._requests.copy().items() if not each.is_arriving}

    def start(self) -> None:
        """Begin to watch, if the kernel counts what is needed for it."""
        if kernel_counts():
            threading.Thread(target=self._run, name="connection-watch", daemon=True).start()
        else:
            _log.warning("slow clients are not disconnected: the kernel does not count bytes")

    def stop(self) -> None:
        """Watch no longer."""
        self._stopping.set()

    def _run(self) -> None:
        seconds = _LOOK_EVERY
        while not self._stopping.wait(seconds):
            begun = time.thread_time()
            with suppress(OSError):  # no descriptor is left to look with
                is_short = self._look(open_connections(self._port), time.monotonic())
                cost = 0.0 if is_short else time.thread_time() - begun
                seconds = max(_LOOK_EVERY, cost / _MOST_OF_A_CORE)

    def _look(self, found: list[OpenConnection], now: float) -> bool:
        """Look at the connections there are; return whether they are running short."""
        self._patience.note(found, self.busy(), now)
        if self._path_sends is not None:
            self._path_sends.keep({each.peer for each in found if each.unsent}, now)
        for connection in self._patience.overdue(found, now):
            if cut_off(connection):
                _log.debug("slow client disconnected client=%s", connection.peer[0])
        free = self._connections - len(found)
        is_short = free < self._connections * _SHORT
        if is_short:
            self._make_room(found, int(self._connections * _ENOUGH) - free, now)
        return is_short

    def _make_room(self, found: list[OpenConnection], wanted: int, now: float) -> None:
        closed = sum(map(cut_off, self._patience.still(found, now)[:wanted]))
        if closed and now >= self._warned + _WARN_EVERY:
            self._warned = now
            _log.warning(
                "connections ran short, slow clients disconnected open=%d closed=%d: if this is an "
                "attack, limit the connections of an address in a proxy",
                len(found),
                closed,
            )


class _RequestUnderWay:
    """A request under way: whether its body is still arriving."""

    def __init__(self, scope: Scope) -> None:
        names = {name for name, value in scope["headers"] if value != b"0"}
        self.is_arriving = bool(names & {b"content-length", b"transfer-encoding"})

    def note(self, message: Message) -> Message:
        """Record what was received of it."""
        if message["type"] != "http.request" or not message.get("more_body", False):
            self.is_arriving = False
        return message


class Patience:
    """What has been seen of each connection, and which ones have been slow for too long. Pure.

    An address with more than `crowd` connections is given little time when they run short, unless
    it is in the networks of our own `proxies`.
    """

    def __init__(self, send_timeout: float, *, crowd: int, proxies: Sequence[Network]) -> None:
        self._timeout = send_timeout
        self._crowd = crowd
        self._proxies = tuple(proxies)
        self._seen: dict[tuple[int, tuple[str, int]], _History] = {}

    def note(self, found: Sequence[OpenConnection], busy: set[tuple[str, int]], now: float) -> None:
        """Record the connections there are now; `busy` are the peers whose requests are in work."""
        before, self._seen = self._seen, {}
        for each in found:
            key = (each.descriptor, each.peer)
            history = self._seen[key] = before.get(key) or _History(each, now)
            history.note(each, now, self._timeout, is_busy=each.peer in busy)

    def overdue(self, found: Sequence[OpenConnection], now: float) -> list[OpenConnection]:
        """Return those that have taken too little for the whole send timeout."""
        return [each for each in found if now - self._history(each).slow_since >= self._timeout]

    def still(self, found: Sequence[OpenConnection], now: float) -> list[OpenConnection]:
        """Return those that stand still while connections run short, the longest first."""
        of_address = Counter(each.peer[0] for each in found)
        crowds = {
            address
            for address, number in of_address.items()
            if number > self._crowd and not self._is_proxy(address)
        }
        standing = [
            (now - self._history(each).still_since, each.peer[0] in crowds, each) for each in found
        ]
        long = [
            (in_crowd, seconds, each)
            for seconds, in_crowd, each in standing
            if seconds >= (_PAUSE_IN_CROWD if in_crowd else _PAUSE)
        ]
        return [each for *_, each in sorted(long, key=lambda row: row[:2], reverse=True)]

    def _is_proxy(self, address: str) -> bool:
        known = parse_address(address)
        return known is not None and any(known in network for network in self._proxies)

    def _history(self, connection: OpenConnection) -> _History:
        return self._seen[connection.descriptor, connection.peer]


class _History:
    """A connection so far: since when it has been too slow, and since when it has stood still."""

    def __init__(self, first: OpenConnection, now: float) -> None:
        self.slow_since = now
        self.still_since = now
        self._taken_then = first.taken
        self._last = first
        self._noted = now

    def note(self, latest: OpenConnection, now: float, timeout: float, *, is_busy: bool) -> None:
        """Record what the kernel counts now."""
        if not latest.unsent or latest.taken - self._taken_then >= LEAST_RATE * timeout:
            self.slow_since, self._taken_then = now, latest.taken
        moved = latest.taken + latest.received - self._last.taken - self._last.received
        if moved >= LEAST_RATE * (now - self._noted) > 0 or (is_busy and not latest.unsent):
            self.still_since = now
        self._last, self._noted = latest, now
