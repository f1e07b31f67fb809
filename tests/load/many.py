"""Many small jobs, posted as fast as they are accepted; each archive is downloaded and compared.

A job is lost if it was accepted and has no right archive in time, and doubled if its file was
fetched twice or more archives lie in the data directory than jobs were accepted. The jobs are asked
for and judged at the same time, as a service meets them.
"""

from __future__ import annotations

import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tests.load.caller import Caller, quantile
from tests.load.origin import small

if TYPE_CHECKING:
    from tests.load.origin import Origin
    from tests.spec.service import Service

POSTERS = 4
JUDGES = 4

_Asked = tuple[int, str]


@dataclass(slots=True)
class Said:
    """What came of it; `accepted` are the seconds until each `202`."""

    jobs: int
    right: int = 0
    doubled: int = 0
    seconds: float = 0.0
    accepted: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def a_minute(self) -> float:
        """Jobs that were right, a minute."""
        return 60 * self.right / self.seconds

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 were accepted."""
        return quantile(self.accepted, 0.99)


def play(jobs: int, service: Service, origin: Origin, seconds: float) -> Said:
    """Post so many jobs and judge them, within so many seconds."""
    said = Said(jobs)
    begun = time.monotonic()
    deadline = begun + seconds
    numbers = count()
    asked: SimpleQueue[_Asked | None] = SimpleQueue()

    def post() -> list[float]:
        caller, took = Caller(service), []
        while (number := next(numbers)) < jobs and time.monotonic() < deadline:
            at = time.monotonic()
            archive_hash = caller.create([origin.small(number)])
            took.append(time.monotonic() - at)
            asked.put((number, archive_hash))
        caller.close()
        return took

    def judge() -> list[str]:
        caller, problems = Caller(service), []
        while (one := asked.get()) is not None:
            problems.append(_fault(caller, *one, deadline))
        caller.close()
        return problems

    with ThreadPoolExecutor(POSTERS + JUDGES) as pool:
        judging = [pool.submit(judge) for _ in range(JUDGES)]
        try:
            for posting in [pool.submit(post) for _ in range(POSTERS)]:
                said.accepted += posting.result()
        finally:
            for _ in judging:
                asked.put(None)
        found = [problem for one in judging for problem in one.result()]
    said.seconds = time.monotonic() - begun
    said.right = found.count("")
    said.problems = [problem for problem in found if problem]
    said.doubled = sum(origin.asked[f"/small/{number}"] > 1 for number in range(jobs))
    archives = sum(1 for _ in service.folder.glob("data/archives/*/*.zip"))
    if archives != len(said.accepted):
        said.problems.append(f"{archives} archives of {len(said.accepted)} jobs")
    return said


def _fault(caller: Caller, number: int, archive_hash: str, deadline: float) -> str:
    """Say what is wrong with a job; nothing where it is right."""
    word = caller.outcome(archive_hash, deadline)
    if word != "completed":
        return f"{archive_hash}: it is {word}"
    with zipfile.ZipFile(BytesIO(caller.archive(archive_hash))) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    if found != {str(number): small(number).read()}:
        return f"{archive_hash}: it holds {list(found)} and other bytes"
    return ""
