"""The services that the routes use: stores, rules and limits, put together by `wiring`.

Owns the list and how a route gets it. Nothing here names a backend or a setting, and nothing that
is imported here imports this module.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy import Connection

from packmule.jobs.commands import JobCommands
from packmule.jobs.quota import UNLIMITED, Quota
from packmule.jobs.store import JobStore
from packmule.jobs.transitions import InSameTransaction
from packmule.outbound.addresses import AddressRules
from packmule.storage.interface import Storage
from packmule.web.allowed_hosts import AllowedHosts
from packmule.web.api_keys import Keyring
from packmule.web.archive_index import ArchiveIndex
from packmule.web.bodies import BodyReader
from packmule.web.bounds import RequestBounds
from packmule.web.client_address import ClientAddresses
from packmule.web.client_shares import ClientShares
from packmule.web.job_changes import JobChanges
from packmule.web.rate_limit import RateLimit
from packmule.web.recent_downloads import RecentDownloads
from packmule.web.sendfile import Sendfile


@dataclass(frozen=True, slots=True)
class Access:
    """Authentication and rate limits; by default everyone is allowed, without limits.

    `creates` counts the requests that create work.
    """

    keys: Keyring = field(default_factory=Keyring)
    addresses: ClientAddresses = field(default_factory=ClientAddresses)
    creates: RateLimit | None = None
    quota: Quota = UNLIMITED


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """The metrics for Prometheus and who may read them.

    `text` returns the page and its media type, and may block. `readers` is `private`, `all` or
    `none`; if a token is set, it decides alone.
    """

    text: Callable[[], tuple[bytes, str]]
    readers: str = "private"
    token: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the routes need.

    Three functions add to the caller's transaction: `enqueue(connection, hash, priority, client)`
    the task that runs a job, `defer_removal(connection, job)` the task that deletes its bytes, and
    `announce(connection, job)` its webhook messages. `worker_age` returns the seconds since a
    worker was last seen, or None for never. `draining` returns whether the process is about to
    stop, so that no request is kept waiting; `leaving`, whether it still answers but is to be sent
    no more. `hosts` are the names the service answers to, and
    pages of `allow_origins` may use it from a browser. `sendfile` says how a proxy is told to send
    archives; with None they are sent from here. `reserve` is how many bytes of the disk with the
    archives jobs leave free; 0 where no job writes to a disk of this machine.

    The last six are shared by all requests: the jobs that are waited for, the archives downloaded
    a moment ago, where the files are in them, the memory that bodies take, and what each client has
    open.
    """

    store: JobStore
    storage: Storage
    enqueue: Callable[[Connection, str, int, str], None]
    defer_removal: InSameTransaction
    announce: InSameTransaction
    rules: AddressRules
    worker_age: Callable[[], float | None]
    public_url: str
    hosts: AllowedHosts = field(default_factory=AllowedHosts)
    allow_origins: tuple[str, ...] = ()
    bounds: RequestBounds = field(default_factory=RequestBounds)
    access: Access = field(default_factory=Access)
    draining: Callable[[], bool] = lambda: False
    leaving: Callable[[], bool] = lambda: False
    metrics: MetricsPage | None = None
    sendfile: Sendfile | None = None
    reserve: int = 0
    access_log: bool = False
    changes: JobChanges = field(default_factory=JobChanges)
    recent: RecentDownloads = field(default_factory=RecentDownloads)
    index: ArchiveIndex = field(default_factory=ArchiveIndex)
    bodies: BodyReader = field(default_factory=BodyReader)
    poll_shares: ClientShares = field(default_factory=lambda: ClientShares("waiting requests"))
    stream_shares: ClientShares = field(default_factory=lambda: ClientShares("event streams"))

    @property
    def commands(self) -> JobCommands:
        """What clients do with a job that exists, as operators do."""
        return JobCommands(self.store, self.enqueue, self.announce, self.storage.remove)


# Not a plain function: FastAPI would call that in a thread, at every request.
async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


GivenServices = Annotated[Services, Depends(_services)]
