"""PACKMULE_REFRESH_URL: the operator's service is asked for new links in place of expired ones."""

from __future__ import annotations

import json
import random
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.origin import Origin, Request, Resource
from tests.fakes.receiver import SECRET, Answer, Received, Receiver
from tests.spec.service import PATIENCE, Service, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 12_000_000
CUT_AT = 4_800_000
DENIED = Resource(status=403)
EXPIRED = "?Expires=1&signature=s3cret"


@pytest.fixture
def links() -> Iterator[Receiver]:
    """Give the operator's service; a test sets how it answers."""
    with Receiver() as running:
        yield running


def use(service: Service, links: Receiver) -> Service:
    """Have a service that was started ask there."""
    service.environment |= {
        "PACKMULE_REFRESH_URL": f"{links.url}?token=t0ken",
        "PACKMULE_WEBHOOK_SECRET": SECRET,
    }
    service.stop()
    return service.start()


@pytest.fixture(scope="module")
def answering() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def asking(answering: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service that asks, for the tests of what it makes of the answers."""
    with Service(
        tmp_path_factory.mktemp("asking"), ATTEMPTS="1", REFRESH_URL=answering.url,
        WEBHOOK_SECRET=SECRET,
    ) as running:  # fmt: skip
        yield running.start()


def given(**urls: str) -> Answer:
    """Answer with links by position, written like _1."""
    body = json.dumps({"urls": {name[1:]: url for name, url in urls.items()}})
    return Answer(200, body=body.encode())


def expiring(origin: Origin, path: str, body: bytes) -> str:
    """Put a file whose link expires when 40 % of it have come."""

    def instead(_request: Request) -> Resource | None:
        return DENIED if len(origin.requests_for(path)) > 1 else None

    return origin.put(path, body, etag='"v1"', cut_at=CUT_AT, instead=instead) + EXPIRED


def expired(origin: Origin, path: str) -> str:
    return origin.put(path, b"", status=403) + EXPIRED


def first_bytes(origin: Origin, path: str) -> list[int]:
    found = [each.headers.get("Range", "bytes=0-") for each in origin.requests_for(path)]
    return [int(each.removeprefix("bytes=").partition("-")[0]) for each in found]


def test_a_file_whose_link_expired_goes_on_under_the_link_that_was_asked_for(
    anywhere: Service, origin: Origin, links: Receiver
) -> None:
    folder = f"/refresh/{anywhere.port}"
    whole = random.Random(folder).randbytes(SIZE)
    old = expiring(origin, f"{folder}/b.bin", whole)
    new = f"{folder}/new/b.bin"
    fresh = origin.put(new, whole, etag='"v1"') + "?signature=n3w"
    links.answer = lambda _: given(_1=fresh)
    use(anywhere, links)
    archive_hash = anywhere.create(origin.put(f"{folder}/a.bin", whole[::-1]), old)
    found = anywhere.outcome(archive_hash)
    assert found["status"] == "completed", found
    assert anywhere.members(archive_hash) == {"a.bin": whole[::-1], "b.bin": whole}
    assert min(first_bytes(origin, new)) == CUT_AT
    assert len(origin.requests_for(f"{folder}/a.bin")) == 1
    assert links.wrong == []
    [question] = links.received
    assert question.document["type"] == "links.expired"
    assert question.document["data"] == {
        "archive_hash": archive_hash,
        "links": [{"position": 1, "url": old, "name": "b.bin"}],
    }
    for secret in ("s3cret", "n3w", "t0ken"):
        assert secret not in anywhere.log


def outcome(service: Service, *urls: Any, **more: Any) -> dict[str, Any]:
    return service.outcome(service.create(*urls, **more))


def test_where_it_has_no_link_the_job_ends_as_without_it(
    asking: Service, answering: Receiver, origin: Origin
) -> None:
    answering.answer = lambda _: given(_7=origin.url("/refresh/not-asked-for"))
    good, bad = origin.put("/refresh/good.txt", b"good"), expired(origin, "/refresh/none.txt")
    found = outcome(asking, good, bad)
    assert (found["status"], [each["position"] for each in found["failures"]]) == ("failed", [1])
    assert "has expired" in found["failures"][0]["detail"]
    found = outcome(asking, good, bad, on_error="skip")
    assert (found["status"], [each["position"] for each in found["missing"]]) == ("completed", [1])
    assert origin.requests_for("/refresh/not-asked-for") == []


def test_only_files_whose_link_has_expired_are_asked_for(
    asking: Service, answering: Receiver, origin: Origin
) -> None:
    fresh = origin.put("/refresh/fresh.txt", b"fresh")
    answering.answer = lambda _: given(_1=fresh)
    before = len(answering.received)
    dead, late = origin.url("/refresh/dead.txt"), expired(origin, "/refresh/late.txt")
    found = outcome(asking, dead, late, on_error="skip")
    assert (found["status"], [each["position"] for each in found["missing"]]) == ("completed", [0])
    [question] = answering.received[before:]
    assert [each["position"] for each in question.document["data"]["links"]] == [1]
    outcome(asking, dead)
    assert len(answering.received) == before + 1


def test_a_new_link_passes_the_same_guard_as_any_other(
    asking: Service, answering: Receiver, origin: Origin
) -> None:
    bad = expired(origin, "/refresh/guarded.txt")
    for link in ("http://10.0.0.1/x?k=s3cret", "ftp://example.org/x", "http://x\x00y/", 5, bad):
        answer = Answer(200, body=json.dumps({"urls": {"0": link}}).encode())
        answering.answer = lambda _, answer=answer: answer  # type: ignore[misc]
        found = outcome(asking, bad)
        assert found["status"] == "failed"
        assert [each["http_status"] for each in found["failures"]] == [403], link
    assert "s3cret" not in asking.log


def test_new_links_that_bring_nothing_are_asked_for_a_few_times(
    asking: Service, answering: Receiver, origin: Origin
) -> None:
    asked: list[Received] = []

    def another(received: Received) -> Answer:
        asked.append(received)
        return given(_0=expired(origin, f"/refresh/another-{len(asked)}.txt"))

    answering.answer = another
    found = outcome(asking, expired(origin, "/refresh/first.txt"))
    assert found["status"] == "failed"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (Answer(404), 1),
        (Answer(204), 1),
        (Answer(200, body=b"<html>"), 1),
        (Answer(200, body=b'{"urls": ["http://x"]}'), 1),
        (Answer(200, body=b"[" * 3_000_000), 2),
        (Answer(503), 2),
        (Answer(0), 2),
    ],
)
def test_a_service_that_does_not_answer_is_asked_again_and_then_left_alone(
    asking: Service, answering: Receiver, origin: Origin, answer: Answer, tries: int
) -> None:
    before = len(answering.received)
    answering.answer = lambda _: answer
    found = outcome(asking, expired(origin, "/refresh/unanswered.txt"))
    assert found["status"] == "failed"
    asked = answering.received[before:]
    assert len(asked) >= tries
    assert len(asked) <= 3
    assert len({each.id for each in asked}) == 1
    assert "link refresh failed" in asking.log


def test_a_question_that_a_shutdown_cuts_off_is_asked_again_by_the_next(
    tmp_path: Path, origin: Origin
) -> None:
    stopping = threading.Event()

    def busy(_received: Received) -> Answer:
        stopping.wait(PATIENCE)
        return Answer(503)

    fresh = origin.put("/refresh/after.txt", b"after")
    with (
        Receiver(busy) as links,
        Service(tmp_path, ATTEMPTS="1", REFRESH_URL=links.url, WEBHOOK_SECRET=SECRET) as service,
    ):
        archive_hash = service.start().create(expired(origin, "/refresh/before.txt"))
        until(lambda: len(links.received) == 1, "it asks")
        process = service.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        until(lambda: "draining" in service.log or "stopping" in service.log, "it stops")
        links.answer = lambda _: given(_0=fresh)
        stopping.set()
        assert process.wait(PATIENCE) == 0
        service.start()
        assert service.outcome(archive_hash)["status"] == "completed"
        assert service.members(archive_hash) == {"after.txt": b"after"}
