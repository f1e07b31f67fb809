"""The HTTP server: runs the application under Granian in this process until it is told to stop.

Owns starting, draining and stopping. Uses Granian's embedded form, so that the process that
responds also sees the signal: long polls are released at once and downloads may finish. Leaves
restarting, and killing what does not stop, to the supervisor, and slow clients to
`connection_watch.py`.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from packmule.errors import UsageError
from packmule.web.connection_watch import ConnectionWatch
from packmule.web.path_sends import PathSends
from packmule.web.unsent import all_sent

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from packmule.outbound.addresses import Network

_BACKLOG = 1024
_NETWORK_THREADS = 2  # one would be busy with a single quick download
_HEAD_MS = 30_000

# Granian's own log goes where ours goes, and only what went wrong.
_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"level": "ERROR", "propagate": True}},
}


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What clients may take of the server.

    At most `connections` are open at once; more wait until one ends. A request's head has at most
    `max_head_bytes` and must be there within 30 s, in which an idle connection is also closed. A
    client that takes less than 1 kB per second for `send_timeout` seconds is disconnected.
    `proxies` are the operator's own.
    """

    connections: int
    max_head_bytes: int
    send_timeout: float
    proxies: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Stopping:
    """How the server ends: it leaves, still answering for `delay` seconds, then it drains.

    While it is leaving it is not ready, so that load balancers send nothing more.
    """

    delay: float = 0.0
    leaving: Event = field(default_factory=Event)
    draining: Event = field(default_factory=Event)


def serve(
    app: ASGIApp,
    address: str,
    port: int,
    *,
    stopping: Stopping,
    limits: ConnectionLimits,
) -> None:
    """Serve requests until SIGTERM or SIGINT; return when the responses under way have been sent.

    Raises UsageError where the server ended by itself.
    """
    path_sends = PathSends()
    watch = ConnectionWatch(
        port,
        connections=limits.connections,
        send_timeout=limits.send_timeout,
        proxies=limits.proxies,
        path_sends=path_sends,
    )
    server = _server(watch.around(path_sends.around(app)), address, port, limits)
    watch.start()
    try:
        asyncio.run(_run(server, port, stopping))
    finally:
        watch.stop()
    if not stopping.draining.is_set():
        raise UsageError(f"The server on {address}, port {port}, ended by itself.")


def _server(app: ASGIApp, address: str, port: int, limits: ConnectionLimits) -> Server:
    return Server(
        app,
        address,
        port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEAD_MS, max_buffer_size=limits.max_head_bytes
        ),
        websockets=False,
        runtime_threads=_NETWORK_THREADS,
        backlog=_BACKLOG,
        backpressure=limits.connections,
        log_dictconfig=_LOGGING,
        log_level=LogLevels.error,
    )


async def _run(server: Server, port: int, stopping: Stopping) -> None:
    def stop() -> None:
        if not stopping.draining.is_set():
            stopping.draining.set()
            server.stop()  # type: ignore[no-untyped-call]

    def leave() -> None:
        # A second signal ends the waiting.
        delay = 0.0 if stopping.leaving.is_set() else stopping.delay
        stopping.leaving.set()
        loop.call_later(delay, stop)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    await server.serve()
    await all_sent(port)
