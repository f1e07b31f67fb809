"""What a service is asked for while it is killed, and whether it has kept its word.

Owns jobs of every kind, on an origin that paces them so that kills find them in work; what was
accepted and what was called completed; and the judgement of both.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from tests.kills.archives import faults
from tests.kills.bodies import Body
from tests.kills.origin import Thing
from tests.spec.service import until

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping

    from tests.kills.origin import Origin
    from tests.spec.service import Service

KB, MB = 1000, 1_000_000
_POST_EVERY = 0.02
_MOST_POSTS = 40


@dataclass(slots=True)
class Asked:
    """A job that was accepted: what its archive must hold, and what was told of it once."""

    wanted: Mapping[str, Body]
    completed_as: tuple[int, str] | None = None


@dataclass(slots=True)
class Round:
    """What came of a round: what is wrong, the kills, the jobs; bytes of bodies asked for, sent."""

    seed: int
    problems: list[str] = field(default_factory=list)
    kills: list[str] = field(default_factory=list)
    jobs: int = 0
    wanted: int = 0
    sent: int = 0


class Load:
    """The jobs of a round, at a service, from an origin."""

    def __init__(self, service: Service, origin: Origin, rng: random.Random) -> None:
        self._service = service
        self._origin = origin
        self._rng = rng
        self._count = 0
        self._things: list[Thing] = []
        self.asked: dict[str, Asked] = {}

    def ask(self, *, tiny: bool = False) -> bool:
        """Post a job; one that was not answered, or refused by a dying disk, was not accepted."""
        urls, bodies = self._links(tiny=tiny)
        try:
            answer = self._service.client.post("/api/archive/create", json={"urls": urls})
        except httpx.TransportError:
            return False
        if answer.is_server_error:
            return False
        assert answer.status_code == 202, answer.text
        self.asked[answer.json()["archive_hash"]] = Asked(bodies)
        return True

    @contextmanager
    def posting(self) -> Iterator[None]:
        """Post tiny jobs beside what is done meanwhile, one after another, while they are answered.

        After a `202` the service may be killed the next moment.
        """
        stop = threading.Event()

        def post() -> None:
            for _ in range(_MOST_POSTS):
                if stop.wait(_POST_EVERY) or not self.ask(tiny=True):
                    return

        thread = threading.Thread(target=post, name="posting", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _links(self, *, tiny: bool) -> tuple[list[str], dict[str, Body]]:
        """Make the links of another job, and tell what its archive must hold."""
        self._count += 1
        kinds = (self._large, self._divided, self._unknown, self._small, self._words)
        kind = self._tiny if tiny else self._rng.choice(kinds)
        bodies: dict[str, Body] = {}
        urls = []
        for name, thing in kind().items():
            bodies[name] = thing.body
            self._things.append(thing)
            urls.append(self._origin.put(f"/{self._count}/{name}", thing))
        return urls, bodies

    def _body(self, least: int, most: int, *, words: bool = False) -> Body:
        return Body(self._rng.randrange(10_000), self._rng.randint(least, most), words)

    def _tiny(self) -> dict[str, Thing]:
        return {"tiny.bin": Thing(self._body(0, 5 * KB))}

    def _large(self) -> dict[str, Thing]:
        return {
            f"large-{n}.bin": Thing(self._body(1 * MB, 4 * MB), rate=3.0 * MB) for n in range(3)
        }

    def _divided(self) -> dict[str, Thing]:
        """Give a file so large and so far that several transfers bring it."""
        body = self._body(9 * MB, 14 * MB)
        return {"divided.bin": Thing(body, rate=3.0 * MB, latency=0.03)}

    def _unknown(self) -> dict[str, Thing]:
        return {
            f"unknown-{n}.bin": Thing(self._body(1, 2 * MB), rate=2.0 * MB, announced=False)
            for n in range(3)
        }

    def _small(self) -> dict[str, Thing]:
        return {
            f"small-{n}.bin": Thing(self._body(0, 20 * KB), latency=self._rng.uniform(0, 0.2))
            for n in range(60)
        }

    def _words(self) -> dict[str, Thing]:
        return {
            f"words-{n}.txt": Thing(self._body(1, 1 * MB, words=True), rate=1.0 * MB)
            for n in range(4)
        }

    def note_the_completed(self) -> None:
        """Remember which jobs the service has called completed, and with what archive."""
        for key, one in self.asked.items():
            with suppress(httpx.TransportError):
                if self._service.status(key)["status"] == "completed":
                    one.completed_as = self._archive(key)

    def _archive(self, key: str) -> tuple[int, str]:
        answer = self._service.client.head(f"/archive/get/{key}.zip")
        assert answer.status_code == 200, f"{key}: {answer.status_code}"
        return int(answer.headers["content-length"]), answer.headers["etag"]

    def judge(self, said: Round) -> None:
        """Wait for the end of every job, and write down what is wrong, and the figures."""
        self._until_answered()
        for key, one in self.asked.items():
            said.problems += [f"{key}: {problem}" for problem in self._problems(key, one)]
        scratch = self._service.folder.glob("data/scratch/*/*")
        said.problems += [f"left over: {path}" for path in scratch]
        if said.problems:
            said.problems.append(self._service.log)
        said.jobs = len(self.asked)
        said.wanted = sum(body.size for one in self.asked.values() for body in one.wanted.values())
        said.sent = sum(thing.sent for thing in self._things)

    def _problems(self, key: str, one: Asked) -> list[str]:
        service = self._service
        found = service.outcome(key)
        if found["status"] != "completed":
            return [f"it is {found}"]
        now = self._archive(key)
        if one.completed_as not in {None, now}:
            return [f"it was completed as {one.completed_as}, and is {now} now"]
        path = service.folder / f"{key}.zip"
        with (
            service.client.stream("GET", f"/archive/get/{key}.zip") as answer,
            path.open("wb") as file,
        ):
            for piece in answer.iter_bytes():
                file.write(piece)
        problems = faults(path, one.wanted)
        path.unlink()
        return problems

    def _until_answered(self) -> None:
        def answers() -> bool:
            with suppress(httpx.TransportError):
                return self._service.client.get("/readyz").is_success
            return False

        until(answers, f"ready; its log:\n{self._service.log}")
