"""A soak: steady jobs for a long time, sources in trouble, and a kill again and again.

Owns its course and the figures. A job is right if its archive held every byte that could be had and
named the rest; after it was judged it is deleted, so that the disk stays as it was.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import TYPE_CHECKING

from tests.kills.origin import Origin
from tests.kills.rounds import kill
from tests.soak.jobs import Client, Origins, draw
from tests.soak.needs import Needs
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.soak.jobs import Job

VICTIMS = ("worker", "api", "all")
CLIENTS = 4
PAUSE = 2.0
"""Seconds at most that a client waits before it heals what is ill, and looks for the end."""

MOST_MEMORY = 400_000_000
MOST_DESCRIPTORS = 1_000


@dataclass(slots=True)
class Said:
    """What came of it."""

    jobs: int = 0
    right: int = 0
    ill: int = 0
    kills: int = 0
    needs: Needs = field(default_factory=Needs)
    problems: list[str] = field(default_factory=list)


def play(seconds: float, folder: Path, *, kill_every: float) -> Said:
    """Soak a service for so many seconds, in a folder of its own."""
    said = Said()
    numbers = count()
    over = threading.Event()
    with Origin() as good, Origin() as bad, Service(folder, MIN_FREE_BYTES="0") as service:
        origins = Origins(good, bad)
        service.start()

        def ask() -> list[tuple[Job, list[str]]]:
            client, done = Client(service), []
            while not over.is_set():
                job = draw(next(numbers), origins)
                done.append((job, _played(client, job)))
                for url in job.urls:  # a long soak asks for more than an origin need remember
                    for origin in (good, bad):
                        origin.things.pop(url.removeprefix(origin.url("")), None)
            return done

        with said.needs.watching(service), ThreadPoolExecutor(CLIENTS) as pool:
            asking = [pool.submit(ask) for _ in range(CLIENTS)]
            try:
                said.kills = _kill_again_and_again(service, seconds, kill_every)
            finally:
                over.set()
            done = [one for each in asking for one in each.result()]
        _add_up(said, done)
        said.problems += _left_over(service, len(done))
        if said.problems:
            said.problems.append(service.log[-20_000:])
    return said


def _played(client: Client, job: Job) -> list[str]:
    """Have a job done and judged, and removed again."""
    client.post(job)
    time.sleep(random.Random(job.number).uniform(0.0, PAUSE))
    job.heal()
    problems = client.judge(job)
    client.delete(job)
    return [f"job {job.number}, {job.hash}: {problem}" for problem in problems]


def _kill_again_and_again(service: Service, seconds: float, every: float) -> int:
    deadline = time.monotonic() + seconds
    kills = 0
    for victim in cycle(VICTIMS):
        if time.monotonic() + every >= deadline:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return kills
        time.sleep(every)
        kills += not kill(service, victim).startswith("no ")
        if victim == "all":
            service.start()
    raise AssertionError


def _add_up(said: Said, done: list[tuple[Job, list[str]]]) -> None:
    said.jobs = len(done)
    said.right = sum(not problems for _, problems in done)
    said.ill = sum(len(job.ill) for job, _ in done)
    said.problems += [problem for _, problems in done for problem in problems]
    if said.needs.memory > MOST_MEMORY or said.needs.descriptors > MOST_DESCRIPTORS:
        said.problems.append(f"it needed {said.needs}")


def _left_over(service: Service, asked: int) -> list[str]:
    """Say what is there that should not be: files, and jobs that nobody asked for."""

    def files() -> list[Path]:
        return [
            path
            for folder in ("scratch", "archives")
            for path in (service.folder / "data" / folder).glob("*/*")
        ]

    until(lambda: not files(), f"removed: {files()[:5]}")
    listed = subprocess.run(
        [sys.executable, "-m", "packmule", "jobs", "list", "--json", "--limit", "100000"],
        env=service.environment,
        cwd=service.folder,
        capture_output=True,
        check=True,
    )
    known = len({json.loads(line)["hash"] for line in listed.stdout.splitlines()})
    return [] if known == asked else [f"{known} jobs are known, and {asked} were asked for"]
