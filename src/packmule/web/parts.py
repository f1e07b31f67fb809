"""What the routes are given: the stores, the rules and the bounds, joined by `wiring`.

Owns the list of them and how a route gets at it. Nothing here names a backend or a setting.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy import Connection

from packmule.jobs.store import JobStore
from packmule.outbound.addresses import AddressRules
from packmule.storage.interface import Storage


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a request may ask for; `retention` in seconds."""

    max_urls: int = 10_000
    retention: float = 7 * 86_400.0

    @property
    def max_body_bytes(self) -> int:
        """Bytes of a request's body: a kibibyte a link, which is ten times the usual."""
        return 1024 * 1024 + self.max_urls * 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the routes need.

    `enqueue(connection, hash, priority)` puts a job's task into the caller's transaction.
    `worker_age` gives the seconds since a worker was last seen alive, None for never.
    `draining` tells that the process is about to stop, so that nobody is kept waiting.
    """

    store: JobStore
    storage: Storage
    enqueue: Callable[[Connection, str, int], None]
    rules: AddressRules
    worker_age: Callable[[], float | None]
    public_url: str
    bounds: Bounds = field(default_factory=Bounds)
    draining: Callable[[], bool] = lambda: False


def _parts(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


GivenParts = Annotated[Parts, Depends(_parts)]
