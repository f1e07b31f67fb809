"""The course of a run: every work, every round, every contestant in its turn.

Owns order, cleaning up between runs and checking outputs; measuring is `measure.py`'s.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench import data
from bench.check import check_archive
from bench.contestants.contract import Contestant, Outcome, Task
from bench.measure import Reading, RunError
from bench.origin import Origin, running
from bench.records import Record
from bench.works import Door, Files, Work

FOREIGN = re.compile(r"^PACKMULE_|^PYTHON|_proxy$|^SSL_CERT_|CA_BUNDLE$|^NODE_", re.IGNORECASE)
FAILURES_ALLOWED = 2
FREE_MARGIN = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Who does what, how often and where.

    Those whose median is over `slow_seconds` have `slow_rounds` instead of `rounds`.
    """

    run: str
    works: Sequence[Work]
    contestants: Sequence[Contestant]
    rounds: int
    slow_rounds: int
    slow_seconds: float
    folder: Path


Note = Callable[[Record], None]


def play(plan: Plan, note: Note) -> None:
    """Do every work in every round, and note each reading as it is taken."""
    _require_space(plan)
    root = plan.folder / "data"
    sets = {work.name: data.provide(work.files, root) for work in plan.works}
    far = next((sets[work.name] for work in plan.works if work.door is Door.LATENCY), None)
    with running(root, plan.folder / "origin", far) as origin:
        for work in plan.works:
            _play_work(work, sets[work.name], origin, plan, note)


def _require_space(plan: Plan) -> None:
    """Refuse to begin where the disk has no room for data, downloads and archive at once."""
    totals = {work.files.total for work in plan.works}
    sets = {work.files for work in plan.works} | {Files(1, total) for total in totals}
    data_folder = plan.folder / "data"
    missing = sum(files.total for files in sets if not (data_folder / files.folder).exists())
    needed = missing + 2 * max(totals) + FREE_MARGIN
    free = shutil.disk_usage(plan.folder).free
    if free < needed:
        raise SystemExit(
            f"The benchmark needs {needed / 1e9:.0f} GB of disk and finds {free / 1e9:.0f} GB free;"
            " give it another folder with --dir, or smaller data with --scale."
        )


def _play_work(work: Work, made: data.DataSet, origin: Origin, plan: Plan, note: Note) -> None:
    """Do one work in every round."""
    reserve = data.provide(Files(1, work.files.total), plan.folder / "data")
    authority = origin.authority_for(work.door)
    task = Task(
        work=work,
        data=made,
        urls=origin.urls(work.door, made),
        folder=plan.folder / "outputs",
        authority=authority,
        reserve=reserve.paths[0],
        environment=environment(authority),
    )
    course = _Course(task, plan, note)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, task.folder, ignore_errors=True)
        players = [one for one in plan.contestants if one.suits(work)]
        for contestant in players:
            course.start(contestant, stack)
        for number in range(plan.rounds if players else 0):
            made.warm()
            reserve.warm()
            turn = number % len(players)
            for contestant in players[turn:] + players[:turn]:
                course.take_turn(contestant, number)


def environment(authority: Path | None) -> Mapping[str, str]:
    """Return the variables contestants run with: one language, and nothing that leads elsewhere.

    A proxy, an authority or a setting of ours in the shell would change what is measured; so would
    a variable of Python's that has each start compile the program anew.
    """
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.search(name)}
    kept["LC_ALL"] = "C.UTF-8"
    if authority:
        kept |= {"BENCH_CA_FILE": str(authority), "NODE_EXTRA_CA_CERTS": str(authority)}
    return kept


class _Course:
    """One work's course: who has run how often, and who is out."""

    def __init__(self, task: Task, plan: Plan, note: Note) -> None:
        self._task = task
        self._plan = plan
        self._note = note
        self._seconds: dict[str, list[float]] = {}
        self._failures: dict[str, int] = {}

    def start(self, contestant: Contestant, stack: ExitStack) -> None:
        """Start a contestant until the stack is closed; drop one that cannot start."""
        self._empty_folder()
        try:
            stack.enter_context(contestant.ready(self._task))
        except RunError as error:
            self._failures[contestant.name] = FAILURES_ALLOWED
            self._note(self._failure(contestant.name, 0, error))

    def take_turn(self, contestant: Contestant, number: int) -> None:
        """Run a contestant once, unless it is out or has run often enough."""
        name = contestant.name
        taken = self._seconds.setdefault(name, [])
        if self._failures.get(name, 0) >= FAILURES_ALLOWED:
            return
        slow = bool(taken) and median(taken) > self._plan.slow_seconds
        if slow and len(taken) >= self._plan.slow_rounds:
            return
        self._empty_folder()
        os.sync()
        try:
            outcome = contestant.run(self._task)
            settling = None if outcome.archive is None else _settle()
            self._check(outcome, bodies=not taken)
        except RunError as error:
            self._failures[name] = self._failures.get(name, 0) + 1
            self._note(self._failure(name, number, error))
            return
        taken.append(outcome.reading.seconds)
        self._note(self._record(name, number, outcome.reading, settling))

    def _check(self, outcome: Outcome, *, bodies: bool) -> None:
        """Check an archive, then remove it, wherever it is."""
        if outcome.archive is not None:
            check_archive(outcome.archive, self._task.data, bodies=bodies)
            outcome.archive.unlink()

    def _record(
        self, name: str, number: int, reading: Reading, settling: float | None = None
    ) -> Record:
        """Make the record of a turn."""
        return Record(
            run=self._plan.run,
            work=self._task.work.name,
            contestant=name,
            round=number,
            moved_bytes=self._task.work.files.total,
            seconds=reading.seconds,
            cpu_seconds=reading.cpu_seconds,
            peak_bytes=reading.peak_bytes,
            settling_seconds=settling,
        )

    def _failure(self, name: str, number: int, error: RunError) -> Record:
        """Make the record of a turn that failed; its text names no folder of this machine."""
        said = str(error).replace(str(self._plan.folder), "…")
        return replace(self._record(name, number, Reading(0.0, 0.0, 0)), failure=said)

    def _empty_folder(self) -> None:
        """Return an empty folder for the next run."""
        shutil.rmtree(self._task.folder, ignore_errors=True)
        self._task.folder.mkdir(parents=True)


def _settle() -> float:
    """Wait until everything is on the disk; give the seconds that took."""
    begun = time.monotonic()
    os.sync()
    return time.monotonic() - begun


def now_id() -> str:
    """Name a run after its moment."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
