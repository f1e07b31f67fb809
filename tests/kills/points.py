"""Points at which a run can be hit: one program, one call of it killed or refused, and what then.

Owns the runs that are hit, `packmule pack` and the worker of the service, with an archive of one
piece or a split one, over the same links, and the judgement: hit at any point, it is taken up again
and everything is right. The links are of
every kind that the assembly treats in its own way: small, large and paced, of unknown length, and
one that breaks off for good while it is the last in the file and is well again afterwards.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.kills.archives import MISSING, faults, names_in
from tests.kills.bodies import Body
from tests.kills.gate import NAMES, SYNCS, WRITES, Gate, Verdict
from tests.kills.origin import Origin, Thing
from tests.kills.workers import PATIENCE, Site, environment, until

from packmule.errors import FailureCode
from packmule.jobs.model import JobState, OnError
from packmule.storage.interface import part_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.kills.gate import Call

    from packmule.jobs.model import Job

KB, MB = 1000, 1_000_000
SEVERAL = 12
OPEN = frozenset({JobState.QUEUED, JobState.RUNNING})
# Of the links' bodies one fits into no part, and the others need several.
PART_BYTES = 1_200 * KB
TROUBLE = frozenset({FailureCode.DISK_FULL, FailureCode.STORAGE})


def is_crash_point(call: Call) -> bool:
    """Choose every sync, rename and removal, and every write but those within SQLite's files.

    What SQLite writes before it syncs is nothing to anybody; a commit is its sync.
    """
    return call.name in SYNCS | NAMES or not _is_database(call)


def is_refusable(call: Call) -> bool:
    """Choose every write and sync."""
    return call.name in SYNCS | WRITES


def _is_database(call: Call) -> bool:
    return "packmule.db" in call.file


@dataclass(slots=True)
class Hits:
    """Decides: the call of that number, of those that are chosen, gets the verdict.

    With `lasting` so does each one after it, until `over` is set.
    """

    number: int
    chosen: Callable[[Call], bool]
    verdict: Verdict | int
    lasting: bool = False
    over: bool = False
    seen: int = 0
    hit: list[str] = field(default_factory=list)

    def __call__(self, call: Call) -> Verdict | int:
        if self.over or not self.chosen(call):
            return Verdict.LET
        self.seen += 1
        if self.seen == self.number or (self.lasting and self.seen > self.number):
            self.hit.append(str(call))
            return self.verdict
        return Verdict.LET


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one point: what was hit, nothing if the run has fewer; and what went wrong."""

    number: int
    hit: Sequence[str]
    problems: Sequence[str]


class Links:
    """The links of a run, on an origin of its own."""

    def __init__(self, origin: Origin) -> None:
        self.bodies = {
            "paced.bin": Body(1, 1_300 * KB),
            "large.bin": Body(2, 700 * KB),
            "unknown.bin": Body(3, 400 * KB),
            "words.txt": Body(5, 600 * KB, words=True),
            **{f"small-{n}.bin": Body(10 + n, 500 * n) for n in range(SEVERAL)},
            "broken.bin": Body(4, 900 * KB),
        }
        self.broken = Thing(self.bodies["broken.bin"], latency=0.3, cut_at=500 * KB)
        things = {name: Thing(body) for name, body in self.bodies.items()}
        things["paced.bin"].rate = 1.0 * MB
        things["unknown.bin"].announced = False
        things["broken.bin"] = self.broken
        self.urls = [origin.put(f"/{name}", thing) for name, thing in things.items()]

    def mend(self) -> None:
        """Let the broken one be well."""
        self.broken.cut_at = None
        self.broken.latency = 0.0

    def faults(self, archive: Path) -> list[str]:
        """Say what is wrong with the archive; the broken one may be in it or not, but whole."""
        without = {name: body for name, body in self.bodies.items() if name != "broken.bin"}
        found = faults(archive, self.bodies)
        return [] if not found or not faults(archive, without, missing=True) else found

    def faults_of_parts(self, paths: Sequence[Path]) -> list[str]:
        """Say what is wrong with the parts of a split archive: as above, each file in one of them.

        Without the broken one, the report of it is in the last part.
        """
        names = [names_in(path) for path in paths]
        found = [name for part in names for name in part]
        without = [name for name in self.bodies if name != "broken.bin"]
        if sorted(found) == sorted([*without, MISSING]) and names[-1][-1:] == [MISSING]:
            names[-1].pop()
            reported = len(names) - 1
        elif sorted(found) == sorted(self.bodies):
            reported = None
        else:
            return [f"the parts hold {names}"]
        problems = []
        for number, (path, part) in enumerate(zip(paths, names, strict=True)):
            wanted = {name: self.bodies[name] for name in self.bodies if name in part}
            problems += faults(path, wanted, missing=number == reported)
            if len(part) > 1 and path.stat().st_size > PART_BYTES:
                problems.append(f"{path.name} of {part} is too large")
        return problems


# --- packmule pack ------------------------------------------------------------------------------


def hit_pack(folder: Path, hits: Hits) -> Result:
    """Hit `packmule pack` once, run it again, and judge."""
    folder.mkdir(parents=True)
    log = folder.with_name(f"{folder.name}.log")
    out = folder / "out.zip"
    with Origin() as origin:
        links = Links(origin)
        (folder.with_name(f"{folder.name}.txt")).write_text("\n".join(links.urls))
        listing = folder.with_name(f"{folder.name}.txt")
        command = [sys.executable, "-m", "packmule", "pack", "-q", "--on-error", "skip"]
        command += ["-i", str(listing), "-o", str(out)]
        env = environment(folder, ATTEMPTS="2")
        with Gate(command, env, folder, log, hits) as gate:
            code = gate.process.wait(PATIENCE)
        problems = _of_first_run(hits, code, out, links, log.read_text())
        links.mend()
        if not out.exists():
            again = subprocess.run(
                command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            if again.returncode:
                problems.append(f"run again: {again.returncode}, {again.stderr}")
        problems += links.faults(out) if out.exists() else ["no archive"]
    return Result(hits.number, hits.hit, problems)


def _of_first_run(hits: Hits, code: int, out: Path, links: Links, log: str) -> list[str]:
    """Judge how the run ended that was hit: killed, or in words, and with nothing half done."""
    if not hits.hit:
        return [] if code == 1 else [f"it ended with {code}: {log}"]  # one file is missing
    problems = links.faults(out) if out.exists() else []
    if hits.verdict is not Verdict.KILL and (code != 1 or "Traceback" in log):
        problems.append(f"it ended with {code}: {log}")
    return problems


# --- the worker ---------------------------------------------------------------------------------


def hit_worker(folder: Path, hits: Hits) -> Result:
    """Hit a worker once, let another or itself go on, and judge."""
    return _hit_worker(folder, hits, None, _of_archive)


def hit_split(folder: Path, hits: Hits) -> Result:
    """Hit a worker once that makes a split archive, let another or itself go on, and judge."""
    return _hit_worker(folder, hits, PART_BYTES, _of_parts)


def _hit_worker(
    folder: Path,
    hits: Hits,
    max_part_bytes: int | None,
    judge: Callable[[Site, Job, Links], list[str]],
) -> Result:
    folder.mkdir(parents=True)
    with Origin() as origin, Site(folder, ATTEMPTS="2") as site:
        links = Links(origin)
        key = site.create(links.urls, on_error=OnError.SKIP, max_part_bytes=max_part_bytes)
        command = [sys.executable, "-m", "packmule", "worker"]
        env = environment(site.data_dir, ATTEMPTS="2")
        with Gate(command, env, site.data_dir, site.log_path, hits) as gate:
            problems = _watch(site, key, hits, gate)
            links.mend()
            if hits.verdict is not Verdict.KILL:
                problems += _go_on(site, key, gate)
            has_ended = gate.process.poll() is not None
        if has_ended:
            site.worker_of_the_program()
        job = site.ended(key)
        if job.state is JobState.COMPLETED:
            problems += judge(site, job, links)
        else:
            problems.append(f"{job.state} {job.failure}: {site.log}")
        if site.scratch():
            problems.append(f"left over: {site.scratch()}")
    return Result(hits.number, hits.hit, problems)


def _of_archive(site: Site, job: Job, links: Links) -> list[str]:
    archive = site.storage.find(job.hash)
    if archive is None or archive.path is None:
        return ["no archive"]
    problems = links.faults(archive.path)
    if (job.size, job.etag) != (archive.size, archive.etag):
        problems.append("the job tells of another archive")
    return problems


def _of_parts(site: Site, job: Job, links: Links) -> list[str]:
    problems, paths = [], []
    parts = site.store.archive_parts(job.id)
    for part in parts:
        archive = site.storage.find(part_key(job.hash, part.area))
        if archive is None or archive.path is None:
            return [f"part {part.number} is not there"]
        if (part.size, part.etag) != (archive.size, archive.etag):
            problems.append(f"the job tells of another part {part.number}")
        paths.append(archive.path)
    if job.size != sum(part.size for part in parts):
        problems.append("the job tells of other parts")
    if len(list(site.data_dir.glob("archives/*/*"))) != len(paths):
        problems.append("there are more archives than parts")
    return [*problems, *links.faults_of_parts(paths)]


def _watch(site: Site, key: str, hits: Hits, gate: Gate) -> list[str]:
    """Wait until the worker was hit, or the job has ended without that."""
    deadline = time.monotonic() + PATIENCE
    while not hits.hit and site.job(key).state in OPEN:
        if time.monotonic() > deadline:
            return [f"it hangs: {site.log}"]
        time.sleep(0.02)
    if hits.verdict is Verdict.KILL and hits.hit:
        gate.process.wait(PATIENCE)
    return []


def _go_on(site: Site, key: str, gate: Gate) -> list[str]:
    """See that a worker whose writes were refused lives on, and retry what it could not help.

    Refused at its start, before it takes a job, it says why and ends; whoever started it starts it
    again.
    """
    hits = gate.decide
    if isinstance(hits, Hits) and hits.lasting:
        time.sleep(1.0)
        hits.over = True
    problems = []
    until(
        lambda: site.job(key).state not in OPEN or gate.process.poll() is not None,
        f"the end of a job, or of its worker; its log:\n{site.log}",
    )
    job = site.job(key)
    if gate.process.poll() is not None:
        in_words = gate.process.returncode == 1 and "Traceback" not in site.log
        if job.state is JobState.QUEUED and job.attempt == 0 and in_words:
            return []
    if job.state is JobState.FAILED:
        if job.failure is None or job.failure.code not in TROUBLE:
            problems.append(f"it failed otherwise: {job.failure}")
        site.retry(key)
        site.ended(key)
    if gate.process.poll() is not None:
        problems.append(f"the worker has ended: {site.log}")
    return problems
