"""What the routes are given: the stores, the rules and the bounds, joined by `wiring`.

Owns the list of them and how a route gets at it. Nothing here names a backend or a setting.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy import Connection

from packmule.jobs.quota import UNLIMITED, Quota
from packmule.jobs.store import JobStore
from packmule.jobs.transitions import Also
from packmule.outbound.addresses import AddressRules
from packmule.storage.interface import Storage
from packmule.web.handover import Handover
from packmule.web.intake import BodyReader
from packmule.web.keys import Keyring
from packmule.web.limits import RateLimit
from packmule.web.peers import Peers
from packmule.web.recent import Recent
from packmule.web.scraping import Metrics
from packmule.web.waiting import Changes


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a request may ask for; times in seconds.

    `long_polls`: how many answers may wait at once, over all clients of this process;
    `event_streams`: how many streams of events may be open.
    `job_webhooks`: a job may name a webhook of its own.
    """

    max_urls: int = 10_000
    max_url_length: int = 8192
    max_body_bytes: int = 11 * 1024 * 1024
    body_timeout: float = 60.0
    long_polls: int = 256
    event_streams: int = 512
    retention: float = 7 * 86_400.0
    job_webhooks: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask, how often, and for how much; by default everybody, without an end.

    `creates` counts the requests that make work.
    """

    keys: Keyring = field(default_factory=Keyring)
    peers: Peers = field(default_factory=Peers)
    creates: RateLimit | None = None
    quota: Quota = UNLIMITED


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the routes need.

    `enqueue(connection, hash, priority, client)` puts a job's task into the caller's transaction,
    `defer_removal(connection, job)` that of removing its bytes, `announce(connection, job)` what
    webhooks are to be told of it.
    `worker_age` gives the seconds since a worker was last seen alive, None for never.
    `metrics` is the page for Prometheus; None where there is none.
    `changes` is what all who wait for a job share, `recent` what was downloaded a moment ago,
    `bodies` reads bodies within a bound on all of them.
    `handover` is how the proxy is asked to send archives; None where they are sent from here.
    `draining` tells that the process is about to stop, so that nobody is kept waiting.
    """

    store: JobStore
    storage: Storage
    enqueue: Callable[[Connection, str, int, str], None]
    defer_removal: Also
    announce: Also
    rules: AddressRules
    worker_age: Callable[[], float | None]
    public_url: str
    bounds: Bounds = field(default_factory=Bounds)
    access: Access = field(default_factory=Access)
    draining: Callable[[], bool] = lambda: False
    metrics: Metrics | None = None
    handover: Handover | None = None
    access_log: bool = False
    changes: Changes = field(default_factory=Changes)
    recent: Recent = field(default_factory=Recent)
    bodies: BodyReader = field(default_factory=BodyReader)


# Not a plain function: FastAPI would call that in a thread, at every request.
async def _parts(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


GivenParts = Annotated[Parts, Depends(_parts)]
