"""The jobs of a soak: of many small files and a few large ones, a tenth of which are in trouble.

Owns what is asked for, how each source goes wrong and when it is well again, and the judgement of
what came of a job. A job is posted with a key until it is answered, as a careful client does while
the service is killed: so an answer that was lost makes no second job.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from tests.kills.archives import faults
from tests.kills.bodies import Body
from tests.kills.origin import Thing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kills.origin import Origin
    from tests.spec.service import Service

FILES = 10
FAULTY = 0.1
"""The part of the sources that are in trouble."""

_LONGEST = 180.0
_KB, _MB = 1000, 1_000_000


@dataclass(frozen=True, slots=True)
class Origins:
    """Where good sources are, and where those in trouble."""

    good: Origin
    bad: Origin


@dataclass(slots=True)
class Job:
    """What is asked for: the things by their names, and those of them that are in trouble."""

    number: int
    things: dict[str, Thing]
    urls: list[str]
    ill: list[Thing]
    hash: str = ""

    @property
    def gone(self) -> list[str]:
        """The names that no asking brings."""
        return [name for name, thing in self.things.items() if thing.status == 404]

    def heal(self) -> None:
        """Let all be well again that will ever be."""
        for thing in self.ill:
            thing.cut_at = None
            thing.held.set()
            if thing.status != 404:
                thing.status = 200


def draw(number: int, origins: Origins) -> Job:
    """Make a job of its number alone."""
    rng = random.Random(number)
    job = Job(number, {}, [], [])
    for at in range(FILES):
        large = rng.random() < 0.15
        size = rng.randint(1 * _KB, 3 * _MB) if large else rng.randint(0, 20 * _KB)
        thing = Thing(
            Body(rng.randrange(10_000), size, words=rng.random() < 0.3),
            rate=2.0 * _MB if large else None,
            announced=rng.random() < 0.9,
        )
        origin = origins.good
        if rng.random() < FAULTY:
            _trouble(thing, rng)
            job.ill.append(thing)
            origin = origins.bad
        name = f"{at}.txt" if thing.body.words else f"{at}.bin"
        job.things[name] = thing
        job.urls.append(origin.put(f"/{number}/{name}", thing))
    return job


def _trouble(thing: Thing, rng: random.Random) -> None:
    match rng.choice(["cut", "busy", "held", "gone"]):
        case "cut":
            # What was cut and has no announced length would look whole.
            thing.announced = True
            thing.cut_at = thing.body.size // 2
        case "busy":
            thing.status = 503
        case "held":
            thing.hold_at = thing.body.size // 2
        case _:
            thing.status = 404


class Client:
    """One who asks for jobs and does not mind that the service is killed."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._http = service.client

    def post(self, job: Job) -> None:
        """Ask for a job until it is answered."""
        answer = _patiently(
            lambda: self._http.post(
                "/api/archive/create",
                json={"urls": job.urls, "on_error": "skip"},
                headers={"Idempotency-Key": f"soak-{job.number}"},
            )
        )
        assert answer.status_code == 202, answer.text
        job.hash = answer.json()["archive_hash"]

    def judge(self, job: Job) -> list[str]:
        """Wait for a job's end, and say what is wrong with it."""
        deadline = time.monotonic() + _LONGEST
        path = f"/api/archive/status/{job.hash}?wait=5"
        while True:
            found = _patiently(lambda: self._http.get(path)).json()
            if found["status"] != "in-progress":
                break
            if time.monotonic() > deadline:
                return [f"not within {_LONGEST:g} s: {found}"]
        if found["status"] != "completed":
            return [f"it is {found}"]
        missing = [each["url"].rpartition("/")[2] for each in found.get("missing", [])]
        if missing != job.gone:
            return [f"{missing} are missing instead of {job.gone}: {found}"]
        return self._of_archive(job)

    def _of_archive(self, job: Job) -> list[str]:
        answer = _patiently(lambda: self._http.get(f"/archive/get/{job.hash}.zip"))
        if answer.status_code != 200:
            return [f"its archive: {answer.status_code}"]
        archive = self._service.folder / f"{job.hash}.zip"
        archive.write_bytes(answer.content)
        gone = job.gone
        wanted = {name: thing.body for name, thing in job.things.items() if name not in gone}
        problems = faults(archive, wanted, missing=bool(gone))
        archive.unlink()
        return problems

    def delete(self, job: Job) -> None:
        """Have the archive removed; the second time it is gone already."""
        answer = _patiently(lambda: self._http.delete(f"/api/archive/{job.hash}"))
        assert answer.is_success or answer.status_code == 410, answer.text


def _patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask until there is an answer, from a service that may be killed meanwhile."""
    deadline = time.monotonic() + _LONGEST
    while True:
        with suppress(httpx.TransportError):
            answer = ask()
            if not answer.is_server_error:
                return answer
        assert time.monotonic() < deadline, f"no answer within {_LONGEST:g} s"
        time.sleep(0.1)
