"""What every contestant is to the benchmark: a name, and a way to do a work once.

Owns the contract and the plain kind that runs commands; each family has a file of its own here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.data import DataSet
from bench.measure import Reading, Step, run_steps
from bench.works import Work

LIMIT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Task:
    """One work made ready: its links, an empty folder for outputs, the authority to trust.

    `reserve` is one file of as many bytes as the work has, for those that measure the disk.
    """

    work: Work
    data: DataSet
    urls: Sequence[str]
    folder: Path
    authority: Path | None
    reserve: Path | None
    environment: Mapping[str, str]

    @property
    def output(self) -> Path:
        """Where the archive goes."""
        return self.folder / "out.zip"

    @property
    def log(self) -> Path:
        """Where what a program prints goes."""
        return self.folder.parent / "contestant.log"

    def write_links(self) -> Path:
        """Write the links, one a line."""
        path = self.folder / "urls.txt"
        path.write_text("".join(f"{url}\n" for url in self.urls))
        return path

    def names(self) -> list[str]:
        """Name the files after their links."""
        return [urlsplit(url).path.rpartition("/")[2] for url in self.urls]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run took, and the archive it made; None where it makes none."""

    reading: Reading
    archive: Path | None


class Contestant(ABC):
    """Somebody who does works; `how` says in the report how it goes about them."""

    name: str
    title: str
    how: str

    def suits(self, work: Work) -> bool:
        """Return whether the contestant takes part in a workload."""
        del work
        return True

    def ready(self, task: Task) -> AbstractContextManager[None]:
        """Prepare for a run; the contestant is ready until the context ends."""
        del task
        return nullcontext()

    @abstractmethod
    def run(self, task: Task) -> Outcome:
        """Do the work once, measured; raise RunError where it cannot be done."""


class CommandContestant(Contestant):
    """A contestant made of commands that run one after another."""

    makes_archive = True

    @abstractmethod
    def steps(self, task: Task) -> list[Step]:
        """Write what the commands need, and return them; not measured."""

    def run(self, task: Task) -> Outcome:
        """Run the commands."""
        steps = self.steps(task)
        reading = run_steps(steps, task.environment, task.log, LIMIT_SECONDS)
        return Outcome(reading, task.output if self.makes_archive else None)
