"""Webhooks: whoever is to be told of a job's end is told, signed, once or more, until it is heard.

The receiver verifies with a library made by others (`tests/fakes/receiver.py`).
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.receiver import SECRET, Answer, Received, Receiver
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def hooked(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(
        tmp_path_factory.mktemp("hooked"), ATTEMPTS="1", WEBHOOK_URL=receiver.url,
        WEBHOOK_SECRET=SECRET, WEBHOOK_RETRY_FIRST="0.05", JOB_WEBHOOKS="on",
    ) as running:  # fmt: skip
        yield running.start()


def told(receiver: Receiver, archive_hash: str, times: int = 1) -> list[Received]:
    until(lambda: len(receiver.about(archive_hash)) >= times, "the receiver is told")
    assert receiver.wrong == []
    return receiver.about(archive_hash)


def run(service: Service, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "packmule", "webhooks", *arguments],
        env=service.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_completed_archive_is_told_as_its_status_tells_it(
    hooked: Service, origin: Origin, receiver: Receiver
) -> None:
    archive_hash = hooked.completed(origin.put("/webhooks/a.txt", b"a"))
    [message] = told(receiver, archive_hash)
    assert message.fields["content-type"] == "application/json"
    document = message.document
    assert set(document) == {"type", "timestamp", "data"}
    assert document["type"] == "archive.completed"
    assert document["timestamp"].endswith("Z")
    status: dict[str, Any] = {"archive_hash": archive_hash, **hooked.status(archive_hash)}
    assert document["data"] == status


def test_a_failed_and_a_cancelled_job_are_told(
    hooked: Service, origin: Origin, receiver: Receiver
) -> None:
    failed = hooked.create(origin.url("/webhooks/none"))
    [message] = told(receiver, failed)
    assert message.document["type"] == "archive.failed"
    assert message.document["data"]["failures"][0]["code"] == "http-status"
    slow = hooked.create(origin.put("/webhooks/slow", b"s", latency=30.0))
    hooked.client.post(f"/api/archive/cancel/{slow}").raise_for_status()
    [message] = told(receiver, slow)
    assert message.document["type"] == "archive.cancelled"
    deleted = hooked.create(origin.put("/webhooks/slow", b"s", latency=30.0))
    hooked.client.delete(f"/api/archive/{deleted}").raise_for_status()
    [message] = told(receiver, deleted)
    assert message.document["type"] == "archive.cancelled"


def test_a_finished_job_is_told_as_completed_with_what_is_missing(
    hooked: Service, origin: Origin, receiver: Receiver
) -> None:
    whole, dead = origin.put("/webhooks/whole", b"w"), origin.url("/webhooks/dead")
    failed = hooked.create(whole, dead)
    told(receiver, failed)
    hooked.client.post(f"/api/archive/finish/{failed}").raise_for_status()
    _, message = told(receiver, failed, 2)
    assert message.document["type"] == "archive.completed"
    assert message.document["data"] == {"archive_hash": failed, **hooked.outcome(failed)}
    assert [each["code"] for each in message.document["data"]["missing"]] == ["http-status"]
    running = hooked.create(whole, origin.put("/webhooks/late", b"l", latency=30.0))
    until(lambda: hooked.status(running)["progress"]["files"]["done"] == 1, "one is packed")
    hooked.client.post(f"/api/archive/finish/{running}").raise_for_status()
    assert hooked.outcome(running)["status"] == "completed"
    hooked.client.post(f"/api/archive/finish/{running}").raise_for_status()
    [message] = told(receiver, running)
    assert message.document["type"] == "archive.completed"
    assert [each["code"] for each in message.document["data"]["missing"]] == ["left-out"]


def test_the_jobs_own_webhook_is_told_as_well(
    hooked: Service, origin: Origin, receiver: Receiver
) -> None:
    with Receiver() as own:
        archive_hash = hooked.completed(
            origin.put("/webhooks/b.txt", b"b"), webhook_url=f"{own.url}?for=me"
        )
        [message] = told(own, archive_hash)
        assert message.path == "/hook?for=me"
        [other] = told(receiver, archive_hash)
    assert message.id != other.id
    assert message.body == other.body


def test_a_webhook_that_may_not_be_reached_is_refused_at_once(hooked: Service) -> None:
    for url in ("http://10.0.0.1/hook", "file:///hook", "http://example.com:22/", ""):
        answer = hooked.client.post(
            "/api/archive/create",
            json={"urls": ["https://example.com/"], "webhook_url": url},
        )
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/webhook_url"]


def test_what_is_not_received_is_tried_again_under_the_same_id(
    hooked: Service, origin: Origin
) -> None:
    def third_time(received: Received) -> Answer:
        return Answer(503 if received.number < 2 else 200, body=b"thank you")

    with Receiver(third_time) as own:
        archive_hash = hooked.completed(origin.put("/webhooks/c.txt"), webhook_url=own.url)
        tries = told(own, archive_hash, 3)
    assert len({each.id for each in tries}) == 1
    assert len({each.body for each in tries}) == 1


def test_a_message_survives_a_restart_and_a_replay_tells_it_anew(
    origin: Origin, tmp_path: Path
) -> None:
    with Receiver() as receiver:
        url, port = receiver.url, receiver.port
    with Service(tmp_path, WEBHOOK_URL=url, WEBHOOK_SECRET=SECRET) as service:
        service.start()
        archive_hash = service.completed(origin.put("/webhooks/d.txt"))
        until(lambda: "webhook failed attempt=1" in service.log, "a try has failed")
        service.kill()
        with Receiver(port=port) as receiver:
            service.start()
            [message] = told(receiver, archive_hash)
            until(
                lambda: "webhook delivered kind=archive.completed" in service.log, "it is recorded"
            )
            assert run(service, "replay", message.id) == f"{message.id} queued\n"
            first, second = told(receiver, archive_hash, 2)
            assert first.id == second.id
