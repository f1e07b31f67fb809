"""From what things cost to what a day's demand needs: the arithmetic of docs/capacity.md. Pure.

Owns the demand, the machine that is assumed, and each line of the sums. What things cost is
measured (`costs.py`); what is assumed is said to be so.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from bench.costs import GB, Costs

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/capacity.md"
DAY = 86_400.0
CHECKPOINTS_A_SECOND = 1.0
"""Of a job under way; `assembly/` writes one each second."""
PREFIXES = 256
"""Of the keys in the bucket: an archive's first two digits (`storage/s3.py`)."""
CELL = 8 * 1024 * 1024
"""The least bytes of a part (`storage/s3_stream.py`)."""
OPEN_CELLS = 2
"""Parts that a transfer may have begun and not filled, which another machine fetches again."""
ZONES = 3
LOOKS_A_SECOND = 4.0
"""Of a worker with jobs in hand, whether they are still its own (`assembly/fencing.py`)."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a fleet in a day.

    `speed` and `file_speed`: bytes a second by which an archive and a file grow; `latency`: seconds
    to a file's first byte; `hosts`: of how many.
    """

    archives: float = 1e6
    size: float = 1e15
    files_an_archive: float = 100.0
    peak: float = 2.0
    speed: float = 20e6
    file_speed: float = 5e6
    latency: float = 0.2
    hosts: int = 1000
    retention_days: float = 7.0
    polls_a_second: float = 0.2


@dataclass(frozen=True, slots=True)
class Host:
    """A machine for one worker, and which part of it is to be used at the peak."""

    cores: float = 16.0
    nic: float = 25e9 / 8
    disk: float = 2e9
    part: float = 0.6
    tls: float = 2.0
    """How many times the CPU of plain HTTP both ways cost by TLS; assumed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sums: what, how it is found, how much; `figure` as it is shown."""

    what: str
    how: str
    value: float
    unit: str = ""

    @property
    def figure(self) -> str:
        """The value for people."""
        whole = isinstance(self.value, int) or abs(self.value) >= 100
        digits = 0 if whole else 1 if abs(self.value) >= 10 else 2
        return f"{self.value:,.{digits}f}{self.unit and ' '}{self.unit}"


def lines(demand: Demand, host: Host, costs: Costs) -> Iterator[Line]:
    """Yield the sums in order; each `how` names the ones above it."""
    jobs = demand.archives / DAY * demand.peak
    gigabytes = demand.size / GB / DAY * demand.peak
    files = jobs * demand.files_an_archive
    mean = demand.size / demand.archives
    running = jobs * mean / demand.speed
    yield Line(
        "archives a second at the peak",
        f"{demand.archives:,.0f} / 86,400 s x {demand.peak:g}",
        jobs,
    )
    yield Line(
        "gigabytes a second at the peak",
        f"{demand.size / 1e15:g} PB / 86,400 s x {demand.peak:g}",
        gigabytes,
        "GB/s",
    )
    yield Line("files a second", f"{jobs:.1f} x {demand.files_an_archive:g} files", files)
    yield Line(
        "archives under way at once",
        f"{jobs:.1f}/s x {mean / GB:.1f} GB / {demand.speed / 1e6:g} MB/s",
        running,
    )
    transfers = gigabytes * GB / demand.file_speed + files * demand.latency
    yield Line(
        "transfers at once",
        f"{gigabytes:.1f} GB/s / {demand.file_speed / 1e6:g} MB/s + {files:,.0f} x "
        f"{demand.latency:g} s",
        transfers,
    )
    busy = Busy(jobs, files, gigabytes, running, transfers)
    count = yield from _of_workers(host, costs, busy)
    yield from _of_database(demand, costs, busy, count)
    yield from _of_the_rest(demand, costs, busy)
    yield from _of_bad_days(demand, host, busy, count)


def workers(costs: Costs) -> int:
    """Return how many workers the plan has."""
    found = lines(Demand(), Host(), costs)
    return int(next(line.value for line in found if line.what.startswith("workers, one")))


@dataclass(frozen=True, slots=True)
class Busy:
    """The peak: jobs, files and gigabytes a second; jobs and transfers under way at once."""

    jobs: float
    files: float
    gigabytes: float
    running: float
    transfers: float


def _of_workers(host: Host, costs: Costs, busy: Busy) -> Generator[Line, None, int]:
    """Yield the sums of the workers, and return how many workers there are."""
    jobs, files, gigabytes = busy.jobs, busy.files, busy.gigabytes
    network = gigabytes * GB / (host.nic * host.part)
    yield Line(
        "workers by network",
        f"{gigabytes:.1f} GB/s, in and again out, / ({host.nic / 1e9:.2f} GB/s x {host.part:g})",
        network,
    )
    cpu = jobs * costs.job.worker_cpu + files * costs.file.worker_cpu
    cpu += gigabytes * costs.gigabyte.worker_cpu * host.tls
    yield Line(
        "workers' cores",
        f"{jobs:.1f} x {1000 * costs.job.worker_cpu:.1f} ms + {files:,.0f} x "
        f"{1000 * costs.file.worker_cpu:.2f} ms + {gigabytes:.1f} x "
        f"{costs.gigabyte.worker_cpu:.2f} s x {host.tls:g} for TLS",
        cpu,
    )
    by_cpu = cpu / (host.cores * host.part)
    yield Line("workers by CPU", f"{cpu:.1f} / ({host.cores:g} x {host.part:g})", by_cpu)
    disk = gigabytes * GB / (host.disk * host.part)
    yield Line(
        "workers by scratch disk",
        f"{gigabytes:.1f} GB/s written / ({host.disk / 1e9:g} GB/s x {host.part:g})",
        disk,
    )
    count = ceil(max(network, by_cpu, disk))
    yield Line("workers, one on a machine", "the most of the three", count)
    yield Line("transfers of a worker", f"{busy.transfers:,.0f} / {count}", busy.transfers / count)
    yield Line(
        "archives under way at a worker", f"{busy.running:,.0f} / {count}", busy.running / count
    )
    return count


def _of_database(demand: Demand, costs: Costs, busy: Busy, workers: int) -> Iterator[Line]:
    jobs, files = busy.jobs, busy.files
    beating = workers * (costs.idle.transactions + LOOKS_A_SECOND)
    transactions = jobs * costs.job.transactions + files * costs.file.transactions
    transactions += busy.running * CHECKPOINTS_A_SECOND + beating
    yield Line(
        "transactions a second",
        f"{jobs:.1f} x {costs.job.transactions:.0f} + {busy.running:,.0f} under way x "
        f"{CHECKPOINTS_A_SECOND:g} + {workers} workers x "
        f"{costs.idle.transactions + LOOKS_A_SECOND:.0f}",
        transactions,
    )
    yield Line(
        "rows written a second",
        f"{jobs:.1f} x {costs.job.row_writes:.0f} + {files:,.0f} x {costs.file.row_writes:.1f}",
        jobs * costs.job.row_writes + files * costs.file.row_writes,
    )
    wal = jobs * costs.job.wal_bytes + files * costs.file.wal_bytes
    yield Line(
        "journal (WAL)",
        f"{jobs:.1f} x {costs.job.wal_bytes / 1e3:.0f} kB + {files:,.0f} x "
        f"{costs.file.wal_bytes / 1e3:.2f} kB",
        wal / 1e6,
        "MB/s",
    )
    each = costs.job.database_cpu / max(1.0, costs.job.transactions)
    yield Line(
        "the database's cores",
        f"{transactions:,.0f} x {1000 * each:.2f} ms, as those of a job, + {files:,.0f} x "
        f"{1000 * costs.file.database_cpu:.2f} ms",
        transactions * each + files * costs.file.database_cpu,
    )
    rows = demand.archives * demand.retention_days
    size = rows * (costs.job.table_bytes + demand.files_an_archive * costs.file.table_bytes)
    yield Line(
        f"tables, with {demand.retention_days:g} days kept",
        f"{rows:,.0f} archives x ({costs.job.table_bytes / 1e3:.1f} kB + "
        f"{demand.files_an_archive:g} x {costs.file.table_bytes:.0f} B)",
        size / GB,
        "GB",
    )
    yield from _of_vacuum(demand, costs, busy)


def _of_vacuum(demand: Demand, costs: Costs, busy: Busy) -> Iterator[Line]:
    """Yield how many rows there are, and how many of their versions become waste."""
    rows = 1 + demand.files_an_archive
    kept = demand.archives * demand.retention_days * rows
    yield Line(
        f"rows, with {demand.retention_days:g} days kept",
        f"{demand.archives * demand.retention_days:,.0f} archives x {rows:g}",
        kept / 1e6,
        "million",
    )
    written = busy.jobs * costs.job.row_writes + busy.files * costs.file.row_writes
    written += busy.running * CHECKPOINTS_A_SECOND
    yield Line(
        "rows that vacuum is to remove a second",
        "each is written once for good and deleted in the end, so as many as are written: those "
        f"above, and {busy.running:,.0f} checkpoints",
        written,
    )


def _of_the_rest(demand: Demand, costs: Costs, busy: Busy) -> Iterator[Line]:
    jobs, gigabytes = busy.jobs, busy.gigabytes
    yield Line(
        "requests to the bucket a second",
        f"{jobs:.1f} x {costs.job.s3_requests:.0f} + {gigabytes:.1f} x "
        f"{costs.gigabyte.s3_requests:.0f}",
        jobs * costs.job.s3_requests + gigabytes * costs.gigabyte.s3_requests,
    )
    requests = jobs * costs.job.s3_requests + gigabytes * costs.gigabyte.s3_requests
    yield Line(
        "the same for each prefix of the keys",
        f"{requests:,.0f} / {PREFIXES}",
        requests / PREFIXES,
    )
    yield Line(
        f"the bucket, with {demand.retention_days:g} days kept",
        f"{demand.size / 1e15:g} PB x {demand.retention_days:g}",
        demand.size / 1e15 * demand.retention_days,
        "PB",
    )
    polls = busy.running * demand.polls_a_second
    yield Line(
        "the API's cores, downloads redirected",
        f"{jobs:.1f} x {1000 * costs.job.api_cpu:.0f} ms, and {polls:,.0f} polls a second as half "
        "of that each",
        (jobs + polls / 2) * costs.job.api_cpu,
    )


def _of_bad_days(demand: Demand, host: Host, busy: Busy, workers: int) -> Iterator[Line]:
    """Yield what downloads, a rollout and the loss of a zone ask for."""
    yield Line(
        "downloads, each archive once",
        "from the bucket; as much as is packed",
        busy.gigabytes,
        "GB/s",
    )
    yield Line(
        "APIs by network, if downloads pass them",
        f"{busy.gigabytes:.1f} GB/s, in and again out, / ({host.nic / 1e9:.2f} GB/s x "
        f"{host.part:g})",
        busy.gigabytes * GB / (host.nic * host.part),
    )
    again = busy.transfers * OPEN_CELLS * CELL
    yield Line(
        "fetched again in a rollout, at most",
        f"{busy.transfers:,.0f} transfers x {OPEN_CELLS} parts of {CELL / 1e6:.1f} MB",
        again / GB,
        "GB",
    )
    yield Line(
        "as a part of a day's bytes",
        f"{again / GB:.0f} GB / {demand.size / 1e15:g} PB",
        again / demand.size * 100,
        "%",
    )
    yield Line(
        f"workers, so that one zone of {ZONES} may be lost at the peak",
        f"{workers} x {ZONES} / {ZONES - 1}",
        ceil(workers * ZONES / (ZONES - 1)),
    )
    yield Line(
        "archives that others take over then",
        f"{busy.running:,.0f} / {ZONES}",
        busy.running / ZONES,
    )


def costs_table(costs: Costs) -> str:
    """Write what was measured as a table."""
    rows = (
        ("worker, CPU", "worker_cpu", 1e3, "ms"),
        ("API, CPU", "api_cpu", 1e3, "ms"),
        ("database, CPU", "database_cpu", 1e3, "ms"),
        ("transactions", "transactions", 1.0, ""),
        ("rows written", "row_writes", 1.0, ""),
        ("journal (WAL)", "wal_bytes", 1e-3, "kB"),
        ("tables", "table_bytes", 1e-3, "kB"),
        ("requests to the bucket", "s3_requests", 1.0, ""),
    )
    parts = (costs.job, costs.file, costs.gigabyte, costs.idle)
    head = ["| | a job | a file of it | a gigabyte | a second of idling |", "|---|--:|--:|--:|--:|"]
    body = [
        f"| {title}{unit and ', '}{unit} | "
        + " | ".join(f"{factor * getattr(part, name):,.2f}" for part in parts)
        + " |"
        for title, name, factor, unit in rows
    ]
    return "\n".join(head + body)


def costs_section(costs: Costs) -> str:
    """Write the document's section of what was measured."""
    about = "; ".join(costs.machine.values())
    return f"By `make capacity`, {costs.date}; {about}.\n\n{costs_table(costs)}"


def section(costs: Costs, demand: Demand | None = None, host: Host | None = None) -> str:
    """Write the document's section of the plan."""
    found = lines(demand or Demand(), host or Host(), costs)
    rows = [f"| {line.what} | {line.how} | {line.figure} |" for line in found]
    return "\n".join(["| | how | |", "|---|---|--:|", *rows])
