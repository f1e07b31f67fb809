"""What a job, a file and a gigabyte cost a fleet, measured; and the plan that follows from it.

Owns three works and idling, and what is read off: CPU of each process tree, PostgreSQL's own
counters, the bucket's log. Leaves the sums to `costs.py`, what they mean for a day to `plan.py`.

    make capacity                                three minutes; writes bench/costs.json
    make capacity ARGS="--scale 0.05"            a trial; only prints
    make capacity ARGS="--write-plan"            docs/capacity.md anew, from what was last measured

One API and one worker at default settings on PostgreSQL with its journal synced; sources are
nginx's, the bucket is moto's, which costs more than ours but is not counted. All on loopback,
without TLS.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import httpx
from bench import costs as costs_module
from bench import document, machine, plan
from bench.costs import Amounts, Costs, Reading, solve
from bench.fleet import Fleet, Process, until
from bench.measure import RunError
from bench.origin import HOST, free_port, running
from bench.processes import end_tree, tree_cpu
from bench.rounds import environment
from bench.works import Door
from tests.fakes.postgres_server import PostgresServer

IDLE_SECONDS = 20.0
SMALL_BYTES = 10_000
# A connection that has become idle tells what it has done after 10 seconds.
_STATISTICS_SECONDS = 11.0
_REQUEST = re.compile(rb'"(?:GET|HEAD|PUT|POST|DELETE) /bench[/? ]')
_COUNTS = """
    SELECT xact_commit + xact_rollback, tup_inserted + tup_updated + tup_deleted,
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, pg_database_size(datname)
    FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Work:
    """So many jobs, each of so many files of this size."""

    name: str
    jobs: int
    files: int
    size: int


def works(scale: float) -> tuple[Work, Work, Work]:
    """Return the three works."""
    return (
        Work("small", max(4, int(400 * scale)), 1, SMALL_BYTES),
        Work("files", max(2, int(40 * scale)), 100, SMALL_BYTES),
        Work("bytes", 4, 1, max(1_000_000, int(500_000_000 * scale))),
    )


@contextmanager
def bucket(folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """Run an S3 server with a bucket `bench`; give what reaches it, and its log."""
    port, log = free_port(), folder / "s3.log"
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment(None), stdout=output, stderr=output, start_new_session=True
        )
    variables = {
        "AWS_ENDPOINT_URL_S3": f"http://{HOST}:{port}",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "no secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        until(lambda: b"Running on" in log.read_bytes(), "the S3 server runs")
        boto3.session.Session(
            aws_access_key_id="bench",
            aws_secret_access_key="no secret",  # noqa: S106 - of a server of our own
            region_name="us-east-1",
        ).client("s3", endpoint_url=variables["AWS_ENDPOINT_URL_S3"]).create_bucket(Bucket="bench")
        yield variables, log
    finally:
        end_tree(server)


class Bench:
    """A fleet of one API and one worker, and what it has used so far."""

    def __init__(self, fleet: Fleet, server: PostgresServer, s3_log: Path) -> None:
        self._fleet = fleet
        self._server = server
        self._s3_log = s3_log
        self._api_port = free_port()

    @contextmanager
    def running(self) -> Iterator[tuple[Process, Process, httpx.Client]]:
        """Run both until the end of the context."""
        port = str(self._api_port)
        with (
            self._fleet.process("api", PACKMULE_HOST=HOST, PACKMULE_PORT=port) as api,
            self._fleet.process("worker") as worker,
            httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60, trust_env=False) as client,
        ):
            until(lambda: _is_ready(client), "the API is ready")
            yield api, worker, client

    def used(self, api: Process, worker: Process) -> Amounts:
        """Return what was used since the start."""
        time.sleep(_STATISTICS_SECONDS)
        transactions, writes, wal, size = self._fleet.rows(_COUNTS)[0]
        return Amounts(
            worker_cpu=worker.cpu_seconds,
            api_cpu=api.cpu_seconds,
            database_cpu=tree_cpu(self._server.process_id),
            transactions=float(transactions - self._fleet.asked),
            row_writes=float(writes),
            wal_bytes=float(wal),
            table_bytes=float(size),
            s3_requests=float(len(_REQUEST.findall(self._s3_log.read_bytes()))),
        )

    def idle(self, seconds: float) -> Amounts:
        """Return what is used in a second without work."""
        with self.running() as (api, worker, _):
            begun, before = time.monotonic(), self.used(api, worker)
            time.sleep(seconds)
            return self.used(api, worker).minus(before).over(time.monotonic() - begun)

    def read(self, work: Work, links: list[str]) -> Reading:
        """Do a work as clients would ask for it: create, one status, the link to the archive."""
        with self.running() as (api, worker, client):
            # The first of everything makes connections, and loads what is loaded once.
            self._do(client, [links[:1]])
            begun, before = time.monotonic(), self.used(api, worker)
            self._do(client, [links] * work.jobs)
            used = self.used(api, worker).minus(before)
            seconds = time.monotonic() - begun
        files = work.jobs * work.files
        return Reading(work.jobs, files, files * work.size, seconds, used)

    def _do(self, client: httpx.Client, jobs: list[list[str]]) -> None:
        hashes = []
        for links in jobs:
            answer = client.post("/api/archive/create", json={"urls": links})
            hashes.append(answer.raise_for_status().json()["archive_hash"])
        self._fleet.await_completion()
        for key in hashes:
            client.get(f"/api/archive/status/{key}").raise_for_status()
            answer = client.get(f"/archive/get/{key}.zip")
            if not answer.is_redirect:
                raise RunError(f"an archive is answered with {answer.status_code}")


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def measure(scale: float, folder: Path) -> Costs:
    """Do all works, and tell what each thing costs."""
    done = []
    chosen = works(scale)
    for work in chosen:
        (folder / "www" / work.name).mkdir(parents=True)
        for number in range(work.files):
            _make(folder / "www" / work.name / f"{number}.bin", work.size)
    with (
        running(folder / "www", folder / "nginx", None) as origin,
        PostgresServer(durable=True) as server,
        bucket(folder) as (variables, s3_log),
    ):
        told = {
            **variables,
            "PACKMULE_STORAGE_URL": "s3://bench",
            "PACKMULE_S3_DOWNLOADS": "redirect",
        }
        for work in chosen:
            base = f"{origin.bases[Door.PLAIN]}/{work.name}"
            links = [f"{base}/{number}.bin" for number in range(work.files)]
            with closing(Fleet(folder / work.name, server, told)) as fleet:
                done.append(Bench(fleet, server, s3_log).read(work, links))
            print(f"{work.name}: {work.jobs} jobs in {done[-1].seconds:.0f} s")
        with closing(Fleet(folder / "idle", server, told)) as fleet:
            idle = Bench(fleet, server, s3_log).idle(IDLE_SECONDS)
    small, files, large = done
    return solve(small, files, large, idle)


def _make(file: Path, size: int) -> None:
    """Make a file of noise, a mebibyte of which comes again and again."""
    noise = os.urandom(1_048_573)
    with file.open("wb") as out:
        while (left := size - out.tell()) > 0:
            out.write(noise[:left])


def main() -> int:
    """Measure, write down what was measured, and the plan."""
    parser = argparse.ArgumentParser(prog="bench.capacity", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="less work, for a trial")
    parser.add_argument("--write-plan", action="store_true", help="measure nothing")
    chosen = parser.parse_args()
    if not chosen.write_plan:
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(chosen.scale, Path(folder))
            about = machine.describe(Path(folder))
        found = Costs(
            measured.job,
            measured.file,
            measured.gigabyte,
            measured.idle,
            about,
            time.strftime("%Y-%m-%d", time.gmtime()),
        )
        print(plan.costs_table(found))
        if chosen.scale != 1:
            return 0
        costs_module.save(found)
    document.write("measured", plan.costs_section(costs_module.load()), plan.DOCUMENT)
    document.write("plan", plan.section(costs_module.load()), plan.DOCUMENT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
