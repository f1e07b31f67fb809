"""Clients and jobs share what there is: transfers evenly, hosts within bounds, the queue in turns.

Counted where it matters, at the origin: which requests it has before it, and for how long.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.origin import Origin
from tests.spec.service import Service, until

from packmule.web.api_keys import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

PER_HOST = 6
LATENCY = 0.03


class Client:
    """One who asks with a key of its own."""

    def __init__(self, service: Service, key: str) -> None:
        self._service = service
        self._headers = {"Authorization": f"Bearer {key}"}

    def create(self, *urls: str, **more: Any) -> str:
        answer = self._service.client.post(
            "/api/archive/create", json={"urls": list(urls), **more}, headers=self._headers
        )
        answer.raise_for_status()
        archive_hash: str = answer.json()["archive_hash"]
        return archive_hash


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return {"ann": new_key(), "bob": new_key()}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Service]:
    """Give a program with two clients, few transfers, and two jobs at once."""
    with Service(
        tmp_path_factory.mktemp("shared"),
        API_KEYS=",".join(f"{name}:{key}" for name, key in keys.items()),
        TRANSFERS="12",
        TRANSFERS_PER_HOST=str(PER_HOST),
        CONCURRENT_JOBS="2",
    ) as running:
        yield running.start()


@pytest.fixture
def ann(shared: Service, keys: dict[str, str]) -> Client:
    return Client(shared, keys["ann"])


@pytest.fixture
def bob(shared: Service, keys: dict[str, str]) -> Client:
    return Client(shared, keys["bob"])


@pytest.fixture
def counted() -> Iterator[Origin]:
    """Give an origin that nobody else asks."""
    with Origin() as running:
        yield running


def links(origin: Origin, folder: str, files: int, latency: float = LATENCY) -> list[str]:
    origin.put(f"/{folder}", b"small", latency=latency)
    return [origin.url(f"/{folder}?{number}") for number in range(files)]


def held(origin: Origin) -> dict[str, float]:
    """Tell how many requests of each folder were open, on the average, while all had some."""
    waits = sorted(origin.waits)
    folders = {wait.path.partition("?")[0] for wait in waits}
    begin = max(min(w.at for w in waits if w.path.startswith(each)) for each in folders)
    end = min(max(w.at for w in waits if w.path.startswith(each)) for each in folders)
    seconds: defaultdict[str, float] = defaultdict(float)
    for wait in waits:
        # Each request adds the time from its begin to its end, as far as it lies in between.
        seconds[wait.path.partition("?")[0]] -= wait.change * min(max(wait.at, begin), end)
    return {folder: spent / (end - begin) for folder, spent in seconds.items()}


def most_at_once(origin: Origin) -> int:
    most = now = 0
    for wait in sorted(origin.waits):
        now += wait.change
        most = max(most, now)
    return most


def test_two_clients_hold_equally_many_transfers_whatever_their_priority(
    shared: Service, ann: Client, bob: Client, counted: Origin
) -> None:
    jobs = [
        ann.create(*links(counted, "ann", 400)),
        bob.create(*links(counted, "bob", 400), priority=9),
    ]
    assert {shared.outcome(job)["status"] for job in jobs} == {"completed"}
    found = held(counted)
    assert found["/ann"] == pytest.approx(found["/bob"], rel=0.25)
    assert most_at_once(counted) <= PER_HOST
    assert sum(found.values()) > PER_HOST / 2


@pytest.mark.long  # test_transfer_shares.py has it without time
def test_of_one_clients_jobs_the_weightier_holds_more_and_the_other_some(
    shared: Service, ann: Client, counted: Origin
) -> None:
    light = ann.create(*links(counted, "light", 200))
    heavy = ann.create(*links(counted, "heavy", 600), priority=3)
    assert {shared.outcome(job)["status"] for job in (heavy, light)} == {"completed"}
    found = held(counted)
    assert found["/heavy"] > 2 * found["/light"]
    assert found["/light"] > 0.5


def test_a_host_s_bound_holds_over_all_jobs_and_another_host_has_its_own(
    shared: Service, ann: Client, bob: Client, counted: Origin
) -> None:
    with Origin() as other:
        jobs = [
            client.create(*links(counted, "here", 150), *links(other, "there", 150))
            for client in (ann, bob)
        ]
        assert {shared.outcome(job)["status"] for job in jobs} == {"completed"}
        assert max(most_at_once(counted), most_at_once(other)) <= PER_HOST
        counted.waits += other.waits
    assert most_at_once(counted) > PER_HOST


@pytest.mark.long  # test_transfer_shares.py has it without time
def test_a_client_with_one_job_does_not_wait_for_all_of_another(
    shared: Service, ann: Client, bob: Client, counted: Origin
) -> None:
    paths = [f"/ann{number}" for number in range(8)]
    jobs = [ann.create(counted.put(path, b"small", held_from=1)) for path in paths]
    until(lambda: len(counted.requests) == 2, "two of them are in work")
    jobs.append(bob.create(*links(counted, "bob", 1)))
    counted.release(*paths)
    assert {shared.outcome(job)["status"] for job in jobs} == {"completed"}
    asked = [request.path.partition("?")[0] for request in counted.requests]
    assert len(asked) == len(jobs)
    assert asked.index("/bob") <= 4
