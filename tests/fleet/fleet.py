"""A fleet under test: two APIs and three workers, each a process, on one database and one bucket.

Owns starting them as an operator would, at the settings that are default, and which of them has
which jobs in its hands. All machines see one data directory, as docs/scaling.md has it; the third
worker is on an island, which can be cut off (`island.py`).

    api   api   worker   worker        worker     on the island
      |     |      |        |             |
    database ── relay ── bucket        relays to both

The bucket is moto's, behind one that is strict about parts and can deny everything.
"""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import httpx
from tests.fakes.bucket import FakeS3
from tests.fakes.faulty_s3 import before
from tests.fleet.asking import Asking
from tests.fleet.island import island, shore
from tests.fleet.relay import Relay
from tests.kills.origin import Origin
from tests.kills.workers import LOOPBACK, Worker, environment, until
from tests.spec.service import a_free_port

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.fakes.postgres_server import PostgresServer
    from tests.kills.origin import Thing

APIS, WORKERS = 2, 3
STARTS_WITHIN = 240.0
"""Seconds; how long a process takes to start is up to the machine."""
ON_THE_ISLAND = WORKERS - 1
_PROGRAM = (sys.executable, "-m", "packmule")
# One that waits for the store is in nobody's hands until its time has come.
_RUNNING = """
    SELECT hash, attempt FROM jobs WHERE state = 'running' AND storage_wait_since IS NULL
"""
_ATTEMPTS = "SELECT hash, attempt, state FROM jobs WHERE hash = ANY(%s)"
_ALIVE = """
    SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '10 seconds'
"""
# Which bytes of which file a checkpoint says are kept: of an open one so many, of a done one all.
_CLAIMED = """
    SELECT files.url, CASE files.state WHEN 'done' THEN files.size ELSE files.written END
    FROM jobs JOIN files ON files.job_id = jobs.id
    WHERE jobs.state = 'running' AND files.state IN ('open', 'done')
"""


@dataclass
class Claim:
    """What was kept of a file at a moment, and how often it had been asked for by then."""

    thing: Thing
    kept: int
    requests: int


class Fleet:
    """The fleet, its database, its bucket and its origin; use it as a context."""

    def __init__(self, folder: Path, server: PostgresServer, *, bucket_away: float) -> None:
        self.folder = folder
        self.server = server
        self.bucket_away = bucket_away
        self.workers: list[Worker] = []
        self.logs: list[Path] = []
        self.apis: list[Worker] = []
        self.claims: list[Claim] = []
        self.things: dict[str, Thing] = {}
        """What each link gives."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        with ExitStack() as stack:
            self._make(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _make(self, stack: ExitStack) -> None:
        """Start everything; what was started is ended with `stack`."""
        self.shore = stack.enter_context(shore())
        self.origin = stack.enter_context(Origin(self.shore.host))
        url = self.server.create(f"fleet_{secrets.token_hex(6)}")
        self.database = Asking(url)
        self.url = url
        stack.callback(self.database.close)
        behind = a_free_port()
        self._start_bucket(behind, stack)
        self.gate = stack.enter_context(before(self.bucket.url))
        port = urlsplit(self.gate.url).port or 0
        self.bucket_relay = stack.enter_context(Relay("127.0.0.1", port))
        self.island = stack.enter_context(
            island(self.shore, self.server.port, self.bucket_relay.port)
        )
        self._ports = [a_free_port() for _ in range(APIS)]
        stack.callback(self._end)
        for number in range(WORKERS):
            self.start_worker(number)
        for number in range(APIS):
            self.start_api(number)
        until(lambda: all(map(self.is_ready, range(APIS))), "both APIs are ready", STARTS_WITHIN)
        until(lambda: self.hearts() == WORKERS, "every worker's heart has beaten", STARTS_WITHIN)

    def _start_bucket(self, port: int, stack: ExitStack) -> None:
        log = self.folder / "s3.log"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = Worker(command, environment(self.folder), log)
        stack.callback(server.kill)
        self.bucket = FakeS3(f"http://127.0.0.1:{port}")

        def answers() -> bool:
            try:
                return httpx.get(self.bucket.url, timeout=5, trust_env=False).is_success
            except httpx.TransportError:
                return False

        until(answers, "the S3 server answers")
        self.bucket_name = self.bucket.make_bucket()

    def _environment(self, **more: str) -> dict[str, str]:
        """Give the environment of a process on our own shore."""
        settings = {
            "DATABASE_URL": self.url,
            "STORAGE_URL": f"s3://{self.bucket_name}",
            "ALLOW_NETWORKS": f"{LOOPBACK},10.214.0.0/16",
            "MAX_ARCHIVE_BYTES": "10 GB",  # so that parts are small, and larger archives have some
            "RATE_LIMIT": "off",
            "QUOTA_JOBS": "off",
            **more,
        }
        relayed = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.bucket_relay.port}"}
        data = self.folder / "data"
        return environment(data, **settings) | self.bucket.environment | relayed

    def start_worker(self, number: int) -> None:
        """Start the worker of that number, anew where there was one."""
        env, command = self._environment(), [*_PROGRAM, "worker"]
        if number == ON_THE_ISLAND:
            host, isle = self.shore.host, self.island
            old, new = f"127.0.0.1:{self.server.port}", f"{host}:{isle.database_port}"
            env = self._environment(DATABASE_URL=self.url.replace(old, new))
            env["AWS_ENDPOINT_URL_S3"] = f"http://{host}:{isle.bucket_port}"
            command = [*isle.enter, *command]
        self.logs.append(self.folder / f"worker-{number}-{len(self.logs)}.log")
        worker = Worker(command, env, self.logs[-1])
        self.workers[number : number + 1] = [worker]

    def start_api(self, number: int) -> None:
        """Start the API of that number, anew where there was one."""
        env = self._environment(PORT=str(self._ports[number]))
        log = self.folder / f"api-{number}.log"
        self.apis[number : number + 1] = [Worker([*_PROGRAM, "api"], env, log)]

    def _end(self) -> None:
        for process in (*self.apis, *self.workers):
            process.kill()

    def api_url(self, number: int) -> str:
        """Give the URL of an API."""
        return f"http://127.0.0.1:{self._ports[number % APIS]}"

    def is_ready(self, number: int) -> bool:
        """Tell whether an API says that it is ready."""
        try:
            return httpx.get(f"{self.api_url(number)}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def hearts(self) -> int:
        """Count the workers whose hearts beat."""
        return int(self.database.rows(_ALIVE)[0][0])

    def log_lines(self, number: int) -> list[dict[str, Any]]:
        """Read what a log of `logs` says; a line that is being written is left out."""
        text = self.logs[number].read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def log_tail(self, worker: int, lines: int) -> str:
        """Return the last lines of the log of the worker that has that place now."""
        text = self.logs[self._log_of(worker)].read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _log_of(self, worker: int) -> int:
        """Give the number of the log of the worker that has that place now."""
        own = [n for n, log in enumerate(self.logs) if log.name.startswith(f"worker-{worker}-")]
        return own[-1]

    def in_hand(self, worker: int) -> dict[str, int]:
        """Give the jobs that a worker has begun and that are in its hands, with the attempts."""
        lines = self.log_lines(self._log_of(worker))
        begun = {
            (line["job"], line["attempt"]) for line in lines if line["message"] == "job started"
        }
        running = self.database.rows(_RUNNING)
        return {key: attempt for key, attempt in running if (key[:8], attempt) in begun}

    def left_in_hand(self, was: dict[str, int]) -> set[str]:
        """List those of these jobs that are still the same run's."""
        rows = self.database.rows(_ATTEMPTS, list(was))
        return {k for k, attempt, state in rows if state == "running" and attempt == was[k]}

    def note_claims(self) -> None:
        """Note what the checkpoints claim now: nothing of it may be fetched again."""
        for url, kept in self.database.rows(_CLAIMED):
            thing = self.things[url]
            self.claims.append(Claim(thing, kept or 0, len(thing.asked)))

    def objects(self) -> Iterable[tuple[str, int, str]]:
        """List the bucket: hash, attempt and entity tag of each archive."""
        pages = self.bucket.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket_name):
            for found in page.get("Contents", ()):
                key, attempt, *_ = found["Key"].rpartition("/")[2].split(".")
                if attempt.isdigit():
                    yield key, int(attempt), found["ETag"].strip('"')
