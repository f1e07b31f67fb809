"""The application over real stores in a folder of the test's own, asked in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.fakes.databases import migrated
from tests.fakes.jobs import checkpoint, done, no_defer, request

from packmule.jobs.model import Published
from packmule.jobs.store import JobStore
from packmule.outbound.addresses import AddressRules
from packmule.storage.local import LocalStorage
from packmule.web.allowed_hosts import AllowedHosts
from packmule.web.app import create_app
from packmule.web.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from sqlalchemy import Connection

    from packmule.jobs.model import Job


@dataclass(slots=True)
class App:
    """An application that a test may put together otherwise, by `change`."""

    services: Services
    queued: list[tuple[str, int]]
    made: tuple[Services, FastAPI] | None = None

    def change(self, **services: Any) -> None:
        """Give the application other services."""
        self.services = replace(self.services, **services)

    def application(self) -> FastAPI:
        """Return the application over these services, made once: that takes a tenth of a second."""
        if self.made is None or self.made[0] is not self.services:
            self.made = (self.services, create_app(self.services))
        return self.made[1]

    def ask(
        self, method: str, path: str, *, peer: str = "127.0.0.1", **more: Any
    ) -> httpx.Response:
        """Send one request, from the address `peer`."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.application(), client=(peer, 4711))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def completed(self, content: bytes) -> str:
        """Bring a job to its end whose archive has this content; give its hash."""
        store, storage = self.services.store, self.services.storage
        hash_ = store.create(request(), defer=no_defer)
        run = store.begin(hash_)
        assert run is not None
        with storage.claim(hash_, run.attempt, ()) as scratch:
            scratch.write_bytes(content)
            archive = storage.publish(hash_, run.attempt, scratch)
        published = Published(archive.size, archive.etag)
        store.complete(run.fence, published, checkpoint(done()))
        return hash_


def nothing_more(_connection: Connection, _job: Job) -> None:
    """Leave it at the change."""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """Give an application whose worker is alive."""
    database = migrated(tmp_path / "packmule.db")
    queued: list[tuple[str, int]] = []

    def enqueue(_connection: Connection, hash_: str, priority: int, _client: str) -> None:
        queued.append((hash_, priority))

    yield App(
        Services(
            store=JobStore(database),
            storage=LocalStorage(tmp_path),
            enqueue=enqueue,
            defer_removal=nothing_more,
            announce=nothing_more,
            rules=AddressRules(),
            worker_age=lambda: 0.5,
            public_url="https://public.example/pack",
            hosts=AllowedHosts(frozenset({"test", "public.example"})),
        ),
        queued,
    )
    database.dispose()
