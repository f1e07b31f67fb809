"""One archive of a million small files: how fast a worker makes it, and in how much memory.

Owns the two places, their turns and the verdicts: on one machine (SQLite and its disk) 13,000 files
a second in 600 MB; in a fleet (PostgreSQL and a bucket) 3,000 files a second. Leaves starting the
fleet to `fleet.py`.

    make bench-million                                 five minutes
    make bench-million ARGS="--files 50000"            a trial
    make bench-million ARGS="--where fleet"            one place only; only prints
    make bench-million ARGS="--memory 1074"            in a container's limit of memory (root)

The origin is nginx on loopback with a thousand files of 1 KiB under a million names. The job is put
into the queue past the API; its time is that between its start and its end in the job store. The
memory is the greatest of a single process, sampled.
"""

import argparse
import getpass
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Self

from bench import document, machine
from bench.equipment import our_program
from bench.fleet import PATIENCE_SECONDS, Fleet, until
from bench.measure import RunError
from bench.origin import HOST, free_port
from bench.processes import end_tree, tree, tree_cpu, tree_memory
from bench.rounds import environment
from tests.fakes.memory_limit import memory_limit
from tests.fakes.nanio import running_nanio
from tests.fakes.postgres_server import PostgresServer

from packmule import settings as settings_module
from packmule.engine.interface import Task
from packmule.jobs.model import JobRequest, JobState, Source
from packmule.wiring.stores import BUILD, Stores, open_stores

FILES, SIZE, BODIES = 1_000_000, 1024, 1000
MEMORY_MB = 600.0
LOOK_SECONDS = 0.5
AT_LEAST = 200
"""Files a second, or it counts as stuck."""
CONFIG = Template("""\
daemon off;
user $user;
worker_processes 1;
worker_rlimit_nofile 65536;
pid $folder/nginx.pid;
error_log $folder/nginx.log warn;
events { worker_connections 8192; }
http {
    types { image/jpeg jpg; }
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 10000000;
    open_file_cache max=20000 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path $folder/temp;
    proxy_temp_path $folder/temp;
    fastcgi_temp_path $folder/temp;
    uwsgi_temp_path $folder/temp;
    scgi_temp_path $folder/temp;
    server {
        listen $host:$port backlog=4096;
        location ~ "/\\d*(\\d\\d\\d)\\.jpg$$" { alias $folder/$$1.jpg; }
    }
}
""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the archive is made, and how many files a second it must reach."""

    name: str
    title: str
    at_least: float
    memory_mb: float | None


PLACES = (
    Place("local", "SQLite and a disk", 13_000, MEMORY_MB),
    Place("fleet", "PostgreSQL and a bucket", 3_000, None),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a place took for so many files."""

    place: Place
    files: int
    seconds: float
    cpu_seconds: float
    memory_mb: float

    @property
    def speed(self) -> float:
        """Files a second."""
        return self.files / self.seconds

    @property
    def held(self) -> bool:
        """Return whether the promises are kept."""
        fits = self.place.memory_mb is None or self.memory_mb <= self.place.memory_mb
        return self.speed >= self.place.at_least and fits


@contextmanager
def origin(folder: Path) -> Iterator[str]:
    """Serve the bodies until the block ends; give the links' beginning."""
    folder.mkdir(parents=True)
    for number in range(BODIES):
        (folder / f"{number:03}.jpg").write_bytes(os.urandom(SIZE))
    port = free_port()
    config = folder / "nginx.conf"
    user = getpass.getuser()
    config.write_text(CONFIG.substitute(folder=folder, user=user, host=HOST, port=port))
    nginx = ["nginx", "-e", str(folder / "nginx.log"), "-p", str(folder), "-c", str(config)]
    process = subprocess.Popen(nginx, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        until((folder / "nginx.pid").exists, "nginx listens")
        yield f"http://{HOST}:{port}"
    finally:
        end_tree(process)


class Watch:
    """Watches a tree of processes until the block ends: its CPU, and the largest's memory."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._before = tree_cpu(root)
        self.memory = 0
        self.cpu_seconds = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.cpu_seconds = tree_cpu(self._root) - self._before

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            # Of each process by itself: `tree_memory` of a leaf.
            each = [tree_memory(pid) for pid in tree(self._root)[::-1]]
            self.memory = max([self.memory, *each])


@dataclass(frozen=True, slots=True)
class Setting:
    """The variables of a place, the command that works there, and a folder of its own."""

    variables: dict[str, str]
    command: str
    folder: Path
    around: list[str]
    """The command before it."""


def measure(
    place: Place, files: int, base: str, folder: Path, most_memory: int | None = None
) -> Result:
    """Make one archive in a place; `most_memory` is a limit in bytes."""
    sources = tuple(Source(number, f"{base}/{number:07}.jpg") for number in range(files))
    with (
        memory_limit(most_memory) if most_memory else nullcontext() as limit,
        _setting(place, folder, limit.around if limit else []) as setting,
        open_stores(settings_module.read(setting.variables)) as stores,
    ):
        key = stores.jobs.create(
            JobRequest(sources),
            defer=lambda connection, key: stores.engine.defer(connection, Task(BUILD, key)),
        )
        del sources
        watch = _work(setting, stores, key, patience=files / AT_LEAST)
        job = stores.jobs.get(key)
    if job.state is not JobState.COMPLETED or job.started_at is None or job.finished_at is None:
        raise RunError(f"the job is {job.state}: {job.failure}")
    seconds = (job.finished_at - job.started_at).total_seconds()
    return Result(place, files, seconds, watch.cpu_seconds, watch.memory / 1e6)


def _work(setting: Setting, stores: Stores, key: str, *, patience: float) -> Watch:
    """Have our program work until the job has ended, for at most so many seconds."""
    with (setting.folder / "worker.log").open("wb") as output:
        process = subprocess.Popen(
            [*setting.around, str(our_program()), setting.command],
            env=setting.variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    waiting = {JobState.QUEUED, JobState.RUNNING}
    try:
        with Watch(process.pid) as watch:
            until(
                lambda: stores.jobs.get(key).state not in waiting,
                "the archive is there",
                max(PATIENCE_SECONDS, patience),
            )
    finally:
        end_tree(process)
    return watch


@contextmanager
def _setting(place: Place, folder: Path, around: list[str]) -> Iterator[Setting]:
    """Prepare a place, until the block ends."""
    folder.mkdir(parents=True)
    told = {
        **environment(None),
        "PACKMULE_DATA_DIR": str(folder / "data"),
        "PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    if place.name == "local":
        told |= {"PACKMULE_HOST": HOST, "PACKMULE_PORT": str(free_port())}
        subprocess.run([str(our_program()), "migrate"], env=told, check=True, capture_output=True)
        yield Setting(told, "serve", folder, around)
        return
    with running_nanio(folder / "s3") as s3, PostgresServer(durable=True) as server:
        bucket = {**s3.environment, "PACKMULE_STORAGE_URL": f"s3://{s3.make_bucket()}/archives"}
        os.environ.update(s3.environment)  # the stores are opened here as well
        with closing(Fleet(folder / "fleet", server, {**told, **bucket})) as fleet:
            yield Setting(dict(fleet.environment), "worker", folder, around)


def section(results: list[Result], about: dict[str, str]) -> str:
    """Write the document's section."""
    lines = [
        "## A million files in one archive",
        "",
        (
            f"By `make bench-million`: {results[0].files:,} files of 1 KiB over plain HTTP from "
            f"loopback, one run; {'; '.join(about.values())}."
        ),
        "",
        "| | files/s | at least | memory of the largest process | at most | CPU s | |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for one in results:
        most = "" if one.place.memory_mb is None else f"{one.place.memory_mb:.0f} MB"
        lines.append(
            f"| {one.place.title} | {one.speed:,.0f} | {one.place.at_least:,.0f} "
            f"| {one.memory_mb:.0f} MB | {most} | {one.cpu_seconds:.0f} "
            f"| {'held' if one.held else '**missed**'} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and exit with 1 where a promise is not kept."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--files", type=int, default=FILES)
    options.add_argument("--where", choices=[place.name for place in PLACES])
    options.add_argument("--memory", type=int, help="limit of the program's memory, in MB")
    options.add_argument("--dir", type=Path, default=Path("bench/.work"))
    given = options.parse_args()
    work = given.dir.absolute()
    work.mkdir(parents=True, exist_ok=True)
    places = [place for place in PLACES if given.where in {None, place.name}]
    with tempfile.TemporaryDirectory(dir=work) as name, origin(Path(name) / "origin") as base:
        most_memory = given.memory and given.memory * 1_000_000
        results = [
            measure(place, given.files, base, Path(name) / place.name, most_memory)
            for place in places
        ]
        about = machine.describe(work)
    print(section(results, about))
    if given.files == FILES and len(places) == len(PLACES) and given.memory is None:
        document.write("million", section(results, about))
    raise SystemExit(not all(one.held for one in results))


if __name__ == "__main__":
    main()
