"""Queueing in a fleet, simulated: how long jobs wait, by workers, transfers and a host's limit.

Owns the model, in which time costs nothing (SimPy, https://simpy.readthedocs.io):

    jobs ──> one queue ──> a worker's place ──> each file: a turn at its host, a transfer, a while
                                                    CPU: job, file and bytes, on the worker's cores
                                               ──> the upload, on the worker's network ──> done

A worker takes jobs in the order in which they came, `jobs_at_once` of them; its files share
`transfers`, of which at most `per_host` go to one host, and its processor cores. What each thing
costs is measured (`costs.py`); how far hosts are, and how quick, is the load's.

    make simulation          docs/capacity.md's table of fleets anew; two minutes
"""

import argparse
import random
import statistics
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Any

import simpy
from bench import costs as costs_module
from bench import document, plan
from bench.costs import GB, Costs

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class Shape:
    """A fleet: workers, and what each can do at once; `network` in bytes a second each way."""

    workers: int
    jobs_at_once: int = 32
    """8, and 24 beside those that last: `engine/fairness.py`."""
    transfers: int = 32
    per_host: int = 8
    """Where files are large, whatever the setting (`outbound/fetch_scheduler.py`)."""
    cores: int = 16
    network: float = inf


@dataclass(frozen=True, slots=True)
class Load:
    """Jobs a second, each of so many files; a file is of some host, far away, and of some size.

    `latency` gives seconds to a file's first byte, `size` its bytes, `speed` the bytes a second at
    which its host sends it. With a `popularity` of 1 hosts are as popular as words
    are (Zipf), with 0 all alike.
    """

    jobs_a_second: float
    files: int
    hosts: int
    latency: Callable[[random.Random], float]
    size: Callable[[random.Random], float]
    speed: float = inf
    popularity: float = 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """CPU seconds of a worker for a job, a file and a byte."""

    job: float = 0.0
    file: float = 0.0
    byte: float = 0.0

    @classmethod
    def measured(cls, costs: Costs, tls: float) -> "Work":
        """Take what was measured, with TLS on both ways costing so many times as much."""
        byte = tls * costs.gigabyte.worker_cpu / GB
        return cls(costs.job.worker_cpu, costs.file.worker_cpu, byte)


@dataclass(slots=True)
class Outcome:
    """What came of it: seconds that jobs waited for a worker, and took in all; CPU seconds."""

    waited: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    cpu: float = 0.0
    moved: float = 0.0

    def quantile(self, of: float) -> float:
        """Return the seconds within which the given share of jobs started."""
        return sorted(self.waited)[max(0, ceil(of * len(self.waited)) - 1)]

    @property
    def mean_wait(self) -> float:
        """The mean of the waiting."""
        return statistics.fmean(self.waited)


class _Worker:
    """A worker's resources."""

    def __init__(self, env: simpy.Environment, shape: Shape) -> None:
        self.transfers = simpy.Resource(env, shape.transfers)
        self.cpu = simpy.Resource(env, shape.cores)
        # Bytes leave one archive after another, at the whole speed: the mean is the same.
        self.network = simpy.Resource(env, 1)
        self.hosts: dict[int, simpy.Resource] = {}
        self._env, self._per_host = env, shape.per_host

    def host(self, number: int) -> simpy.Resource:
        """Return the queue of a host."""
        if number not in self.hosts:
            self.hosts[number] = simpy.Resource(self._env, self._per_host)
        return self.hosts[number]


class Simulation:
    """One run of a fleet under a load; `play` gives what came of it."""

    def __init__(self, load: Load, shape: Shape, work: Work, seed: int) -> None:
        self._shape, self._load, self._work = shape, load, work
        self._rng = random.Random(seed)  # noqa: S311 - chance in a model is no secret
        self._env = simpy.Environment()
        self._queue: simpy.Store = simpy.Store(self._env)
        self._weights = [(rank + 1) ** -load.popularity for rank in range(load.hosts)]
        self._hosts = range(load.hosts)
        self._said = Outcome()

    def play(self, jobs: int, warm: int = 0) -> Outcome:
        """Simulate this many jobs to their end; the first `warm` are not counted."""
        for _ in range(self._shape.workers):
            worker = _Worker(self._env, self._shape)
            for _ in range(self._shape.jobs_at_once):
                self._env.process(self._place(worker))
        self._env.process(self._arrivals(jobs))
        self._env.run()
        self._said.waited = self._said.waited[warm:]
        self._said.took = self._said.took[warm:]
        return self._said

    def _arrivals(self, jobs: int) -> Steps:
        for _ in range(jobs):
            yield self._env.timeout(self._rng.expovariate(self._load.jobs_a_second))
            yield self._queue.put(self._env.now)

    def _place(self, worker: _Worker) -> Steps:
        """Do one job after another, as one of a worker's places does."""
        while True:
            came_at = yield self._queue.get()
            self._said.waited.append(self._env.now - came_at)
            yield from self._cpu(worker, self._work.job)
            sizes = [self._load.size(self._rng) for _ in range(self._load.files)]
            hosts = self._rng.choices(self._hosts, self._weights, k=self._load.files)
            files = [
                self._env.process(self._file(worker, host, size))
                for host, size in zip(hosts, sizes, strict=True)
            ]
            yield self._env.all_of(files)
            yield from _use(self._env, worker.network, sum(sizes) / self._shape.network)
            self._said.took.append(self._env.now - came_at)
            self._said.moved += sum(sizes)

    def _file(self, worker: _Worker, host: int, size: float) -> Steps:
        with worker.host(host).request() as turn:
            yield turn
            with worker.transfers.request() as transfer:
                yield transfer
                yield self._env.timeout(self._load.latency(self._rng) + size / self._load.speed)
        yield from self._cpu(worker, self._work.file + self._work.byte * size)

    def _cpu(self, worker: _Worker, seconds: float) -> Steps:
        self._said.cpu += seconds
        yield from _use(self._env, worker.cpu, seconds)


def _use(env: simpy.Environment, resource: simpy.Resource, seconds: float) -> Steps:
    """Hold one of a resource for so long."""
    if seconds:
        with resource.request() as one:
            yield one
            yield env.timeout(seconds)


def simulate(
    load: Load, shape: Shape, *, jobs: int, work: Work | None = None, seed: int = 0, warm: int = 0
) -> Outcome:
    """Simulate so many jobs."""
    return Simulation(load, shape, work or Work(), seed).play(jobs, warm)


def erlang_c(servers: int, offered: float) -> float:
    """Return the probability of waiting in M/M/c; `offered`: arrivals times mean service."""
    term, total = 1.0, 1.0
    for number in range(1, servers):
        term *= offered / number
        total += term
    term *= offered / servers
    waiting = term * servers / (servers - offered)
    return waiting / (total + waiting)


def mean_wait(servers: int, arrivals: float, service: float) -> float:
    """Return the mean seconds of waiting in M/M/c (Erlang's second formula)."""
    offered = arrivals * service
    return erlang_c(servers, offered) * service / (servers - offered)


@dataclass(frozen=True, slots=True)
class Choice:
    """A fleet that is tried under the plan's load, and what is said of it."""

    what: str
    workers: int
    transfers: int = 32
    jobs_at_once: int = 32
    popularity: float = 0.0


PART = 0.25
"""Of the plan's load and of its workers: what is simulated, since all of it takes four times."""


def of_the_plan(demand: plan.Demand, part: float, popularity: float) -> Load:
    """Return a share of the plan's load: distant hosts, files of one mean size."""
    mean = demand.size / demand.archives / demand.files_an_archive
    return Load(
        jobs_a_second=demand.archives / plan.DAY * demand.peak * part,
        files=int(demand.files_an_archive),
        hosts=demand.hosts,
        latency=lambda rng: rng.expovariate(1 / demand.latency),
        size=lambda rng: min(rng.expovariate(1 / mean), 20 * mean),
        speed=demand.file_speed,
        popularity=popularity,
    )


def tried(choice: Choice, costs: Costs, *, jobs: int, part: float = PART) -> Outcome:
    """Simulate a fleet under the plan's load; the first third of the jobs is not counted."""
    host = plan.Host()
    shape = Shape(
        workers=round(choice.workers * part),
        jobs_at_once=choice.jobs_at_once,
        transfers=choice.transfers,
        cores=int(host.cores),
        network=host.nic * host.part,
    )
    work = Work.measured(costs, host.tls)
    load = of_the_plan(plan.Demand(), part, choice.popularity)
    return simulate(load, shape, jobs=jobs, work=work, warm=jobs // 3)


def choices(workers: int) -> list[Choice]:
    """Return the fleets to simulate: default settings first, then with limits removed."""
    return [
        Choice("at default settings", workers),
        Choice("`PACKMULE_TRANSFERS=512`", workers, 512),
        Choice("and `PACKMULE_CONCURRENT_JOBS=16`", workers, 512, 64),
        Choice("the same, half the workers", workers // 2, 512, 64),
        Choice("the same, hosts as popular as words", workers, 512, 64, 1.0),
        Choice("and three times the workers", 3 * workers, 512, 64, 1.0),
    ]


def section(rows: Iterable[tuple[Choice, Outcome]], jobs: int) -> str:
    """Write the document's section."""
    body = [
        f"| {choice.what} | {choice.workers} | {statistics.median(said.waited):,.1f} s "
        f"| {said.quantile(0.95):,.1f} s | {statistics.median(said.took):,.1f} s |"
        for choice, said in rows
    ]
    return "\n".join(
        [
            f"By `make simulation`: a quarter of the plan, {jobs:,} jobs.",
            "",
            "| | workers | a job waits, median | 95 % wait at most | done after, median |",
            "|---|--:|--:|--:|--:|",
            *body,
        ]
    )


def main() -> int:
    """Simulate the plan, and write the table."""
    parser = argparse.ArgumentParser(prog="bench.simulation", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1500)
    chosen = parser.parse_args()
    costs = costs_module.load()
    rows = []
    for choice in choices(plan.workers(costs)):
        rows.append((choice, tried(choice, costs, jobs=chosen.jobs)))
        print(f"{choice.what}, {choice.workers}: {rows[-1][1].quantile(0.95):.1f} s")
    document.write("simulation", section(rows, chosen.jobs), plan.DOCUMENT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
