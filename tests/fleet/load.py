"""The jobs of a round: posted to both APIs in turn, so that some are always in work, and judged.

Owns what is asked for, and whether each archive is right: downloaded through an API and compared,
byte for byte. Both happen beside whatever dies meanwhile, as callers would meet it: what is not
answered, or answered with 503, is asked again, a create under its idempotency key.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from tests.fleet.asking import Asking
from tests.kills.archives import faults
from tests.kills.bodies import Body
from tests.kills.origin import Thing

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from tests.fleet.fleet import Fleet

KB, MB = 1000, 1_000_000
PATIENCE = 120.0
_LARGE_EVERY = 20
_OPEN = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
_ENDED = """
    SELECT hash, state, coalesce(failure_code || ': ' || failure_detail, '') FROM jobs
    WHERE state NOT IN ('queued', 'running') ORDER BY id
"""
_PAUSE = 0.1
_MOST_RETRIES = 20


class Load:
    """So many jobs, at most `at_once` of them open, each in work for about `seconds`."""

    def __init__(
        self, fleet: Fleet, rng: random.Random, *, jobs: int, at_once: int, seconds: float
    ) -> None:
        self._fleet = fleet
        self._rng = rng
        self._jobs = jobs
        self._at_once = at_once
        self._seconds = seconds
        self._over = threading.Event()
        self.wanted: dict[str, dict[str, Body]] = {}
        self.right: set[str] = set()
        self.retries: Counter[str] = Counter()
        """Jobs that were failed by the bucket, and how often each was tried again."""
        self.problems: list[str] = []

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Post and judge in threads of their own until all is judged; stop early at an error."""
        threads = [
            threading.Thread(target=self._noting, args=(what,), name=what.__name__, daemon=True)
            for what in (self._post_all, self._judge_all)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
            for thread in threads:
                thread.join()
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _noting(self, what: Callable[[Asking], None]) -> None:
        """Run a thread to its end, and note what it ended with."""
        asking = Asking(self._fleet.url)
        try:
            what(asking)
        except Exception as error:  # noqa: BLE001 - whatever it is, the round is wrong
            self.problems.append(f"{what.__name__}: {error!r}")
            self._over.set()
        finally:
            asking.close()

    def _post_all(self, asking: Asking) -> None:
        for number in range(self._jobs):
            while asking.rows(_OPEN)[0][0] >= self._at_once:
                if self._over.wait(_PAUSE):
                    return
            urls, bodies = self._sources(number)
            asked = {"json": {"urls": urls}, "headers": {"Idempotency-Key": f"job-{number}"}}
            answer = self._asked("POST", "/api/archive/create", number, **asked)
            assert answer.status_code == 202, answer.text
            self.wanted[answer.json()["archive_hash"]] = bodies

    def _sources(self, number: int) -> tuple[list[str], dict[str, Body]]:
        """Make the sources of another job: a paced file, and words that are deflated."""
        large = number % _LARGE_EVERY == 0
        size = self._rng.randint(15 * MB, 25 * MB) if large else self._rng.randint(1 * MB, 3 * MB)
        things = {
            f"{number}.bin": Thing(Body(number, size), rate=size / self._seconds),
            f"{number}.txt": Thing(Body(number, self._rng.randint(1, 300 * KB), words=True)),
        }
        links = [self._fleet.origin.put(f"/{name}", thing) for name, thing in things.items()]
        self._fleet.things |= dict(zip(links, things.values(), strict=True))
        return links, {name: thing.body for name, thing in things.items()}

    def _judge_all(self, asking: Asking) -> None:
        judged: set[str] = set()
        while len(judged) < self._jobs and not self._over.wait(_PAUSE):
            for key, state, failure in asking.rows(_ENDED):
                # Who posts hears of a job's hash a little later than the database knows it.
                if key in judged or key not in self.wanted:
                    continue
                if state == "failed" and failure.startswith("storage:") and self._retry(key):
                    continue
                judged.add(key)
                found = self._judge(key) if state == "completed" else [f"it is {state}, {failure}"]
                self.problems += [f"{key}: {problem}" for problem in found]
                if not found:
                    self.right.add(key)

    def _retry(self, key: str) -> bool:
        """Have a job tried again that the bucket has failed, as its caller would; some times."""
        self.retries[key] += 1
        if self.retries[key] > _MOST_RETRIES:
            return False
        answer = self._asked("POST", f"/api/archive/retry/{key}", self.retries[key])
        return answer.status_code == 202

    def _judge(self, key: str) -> list[str]:
        path = self._fleet.folder / f"{key}.zip"
        answer = self._asked("GET", f"/archive/get/{key}.zip", len(self.right))
        if answer.status_code != 200:
            return [f"its archive is answered with {answer.status_code}: {answer.text[:200]}"]
        path.write_bytes(answer.content)
        found = faults(path, self.wanted[key])
        path.unlink()
        return found

    def _asked(self, method: str, path: str, turn: int, **more: Any) -> httpx.Response:
        """Ask the APIs in turn until one answers; what it asks to try later is tried later."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                url = self._fleet.api_url(turn) + path
                answer = httpx.request(method, url, timeout=30, trust_env=False, **more)
                if answer.status_code not in {502, 503}:
                    return answer
                said = answer.text
            except httpx.TransportError as error:
                said = repr(error)
            assert time.monotonic() < deadline, f"no API answers {path}: {said}"
            turn += 1
            time.sleep(_PAUSE)
