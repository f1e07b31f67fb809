"""Names are looked up before their turn: the next few of a job, each once."""

from __future__ import annotations

import threading

from tests.unit.outbound.test_fetch_scheduler import fetches

from packmule.outbound.job_queue import JobQueue
from packmule.outbound.lookup_ahead import AHEAD, look_ahead
from packmule.outbound.resolver import Resolver


class Names:
    """A name server that counts; `known` is released for each answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known = threading.Semaphore(0)

    def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        self.known.release()
        return ["192.0.2.1"]

    def await_answers(self, count: int) -> None:
        for _ in range(count):
            assert self.known.acquire(timeout=30)


def job(hosts: int) -> JobQueue:
    queue = JobQueue()
    for number in range(hosts):
        for fetch in fetches(f"h{number}.example", 2):
            queue.push(fetch)
    return queue


def test_the_next_hosts_of_a_job_are_looked_up_once() -> None:
    names, queue = Names(), job(AHEAD + 5)
    resolver = Resolver(names)
    look_ahead(queue, resolver)
    look_ahead(queue, resolver)
    names.await_answers(AHEAD)
    queue.host_rotation.rotate(-3)
    look_ahead(queue, resolver)
    names.await_answers(3)
    resolver.close()
    assert sorted(names.asked) == sorted(f"h{number}.example" for number in range(AHEAD + 3))


def test_a_jobs_only_host_is_looked_up_by_its_transfers() -> None:
    names, queue = Names(), job(1)
    look_ahead(queue, Resolver(names))
    assert not names.asked
    assert not queue.looked_up
