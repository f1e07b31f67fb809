"""Messages over kills: every job's end is told to whom it is to be told, whoever is killed when.

    python -m tests.kills.webhooks --messages 1000 --seed 0

Owns the jobs, the receiver that fails half the time, the kills meanwhile, and the judgement: each
message arrived once or more under one id, with a right signature, and tells the job's end. Half the
messages go to the operator's webhook, half to a job's own. The schedule is the usual one in small:
PACKMULE_WEBHOOK_RETRY_FIRST makes 75 hours less than two minutes.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from tests.fakes.origin import Origin
from tests.fakes.receiver import SECRET, Answer, Received, Receiver
from tests.kills.rounds import kill
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_FIRST = "0.002"
VICTIMS = ("worker", "worker", "api", "all")
LONGEST_LIFE = 4.0
MOST_FAILURES_IN_A_ROW = 7
"""For one message: ten in a row give it up, as they should, and so would one of a thousand here."""

PATIENCE = 900.0
_FAILURES = (0, 302, 404, 429, 500, 503)


@dataclass(slots=True)
class Said:
    """What came of it."""

    messages: int = 0
    delivered: int = 0
    tries: int = 0
    twice: int = 0
    kills: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def figure(self) -> str:
        """The line that is printed."""
        return (
            f"webhooks: {self.delivered} of {self.messages} delivered, "
            f"{len(self.kills)} kills, {self.tries} tries, {self.twice} told more than once, "
            f"{len(self.problems)} wrong"
        )


class Half:
    """Answers half of all tries well, by chance."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self.accepted: list[Received] = []

    def __call__(self, received: Received) -> Answer:
        """Take it, or fail in one way or another."""
        with self._lock:
            if self._rng.random() < 0.5 and received.number < MOST_FAILURES_IN_A_ROW:
                return Answer(self._rng.choice(_FAILURES))
            self.accepted.append(received)
        return Answer(self._rng.choice((200, 202, 204)))

    def ends(self) -> dict[tuple[str, str], set[str]]:
        """Give the ids that were taken, by job and path."""
        with self._lock:
            taken = list(self.accepted)
        found: dict[tuple[str, str], set[str]] = {}
        for one in taken:
            key = (one.document["data"]["archive_hash"], one.path)
            found.setdefault(key, set()).add(one.id)
        return found


def play(messages: int, seed: int, folder: Path) -> Said:
    """Play it in a folder of its own."""
    rng, answers, said = random.Random(seed), Half(seed), Said(messages // 2 * 2)
    with Origin() as origin, Receiver(answers) as receiver:
        service = Service(
            folder, MIN_FREE_BYTES="0", ATTEMPTS="1", JOB_WEBHOOKS="on",
            WEBHOOK_URL=receiver.url, WEBHOOK_SECRET=SECRET, WEBHOOK_RETRY_FIRST=RETRY_FIRST,
        )  # fmt: skip
        with service:
            service.start()
            links = {"archive.completed": origin.put("/a", b"a"), "archive.failed": origin.url("/")}
            jobs: dict[str, str] = {}
            creating = threading.Thread(
                target=_create, args=(service.url, messages // 2, links, receiver.url, jobs)
            )
            creating.start()
            deadline = time.monotonic() + PATIENCE
            while len(answers.ends()) < said.messages and time.monotonic() < deadline:
                time.sleep(rng.uniform(0.2, LONGEST_LIFE))
                victim = rng.choice(VICTIMS)
                said.kills.append(kill(service, victim))
                if victim == "all":
                    service.start()
            creating.join()
        _judge(said, jobs, answers, receiver)
    return said


def _create(
    url: str, count: int, links: dict[str, str], webhook: str, jobs: dict[str, str]
) -> None:
    """Create the jobs, each once however often that takes; note how each is to end."""
    with httpx.Client(base_url=url, timeout=10, trust_env=False) as client:
        for number, kind in zip(range(count), _kinds(), strict=False):
            document = {"urls": [links[kind]], "webhook_url": f"{webhook}?own"}
            while True:
                try:
                    answer = client.post(
                        "/api/archive/create", json=document,
                        headers={"Idempotency-Key": f"job-{number}"},
                    )  # fmt: skip
                    answer.raise_for_status()
                except httpx.HTTPError:
                    time.sleep(0.1)
                    continue
                jobs[answer.json()["archive_hash"]] = kind
                break


def _kinds() -> Iterator[str]:
    while True:
        yield from ("archive.completed", "archive.completed", "archive.failed")


def _judge(said: Said, jobs: dict[str, str], answers: Half, receiver: Receiver) -> None:
    """Count what was delivered, and find what is wrong."""
    ends = answers.ends()
    wanted = {(hash_, path) for hash_ in jobs for path in ("/hook", "/hook?own")}
    said.delivered = len(wanted & set(ends))
    said.tries = len(receiver.received)
    said.twice = len(answers.accepted) - sum(len(ids) for ids in ends.values())
    said.problems += [f"not delivered: {key}" for key in sorted(wanted - set(ends))]
    said.problems += [f"of no job: {key}" for key in sorted(set(ends) - wanted)]
    said.problems += [f"two messages: {key}" for key, ids in ends.items() if len(ids) > 1]
    said.problems += receiver.wrong
    said.problems += [
        f"told {one.document['type']}: {one.document['data']['archive_hash']}"
        for one in answers.accepted
        if one.document["type"] != jobs.get(one.document["data"]["archive_hash"])
    ]


def main() -> None:
    """Play it and print the figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        said = play(asked.messages, asked.seed, Path(folder))
    for problem in said.problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(f"{said.figure}\n")
    sys.exit(0 if not said.problems and said.delivered == said.messages else 1)


if __name__ == "__main__":
    main()
