"""GET /api/archive/events: a job is followed to its end, over a cut and over a stop."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin
    from tests.spec.service import Service as Running

from tests.spec.service import Service


def events(
    service: Running, archive_hash: str, last: str | None = None, **parameters: str
) -> Iterator[tuple[str, str, Any]]:
    """Give id, name and data of each event as it comes."""
    headers = {} if last is None else {"Last-Event-ID": last}
    path = f"/api/archive/events/{archive_hash}"
    with service.client.stream("GET", path, headers=headers, params=parameters) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif "data" in event:
                yield event["id"], event["event"], json.loads(event["data"])
                event = {}


def test_a_job_is_followed_to_its_end(service: Service, origin: Origin) -> None:
    slow = origin.put("/events/slow", b"slow" * 100_000, held_from=200_000)
    archive_hash = service.create(origin.put("/events/quick", b"quick"), slow)
    stream = events(service, archive_hash)
    told = [next(stream)]
    origin.release("/events/slow")
    told += stream
    assert {name for _, name, _ in told[:-1]} == {"progress"}
    assert [name for _, name, _ in told].count("completed") == 1
    ids = [int(number) for number, _, _ in told]
    assert ids == sorted(set(ids))
    assert told[-1][2] == service.status(archive_hash)


def test_who_was_cut_off_goes_on_behind_what_was_told(service: Service, origin: Origin) -> None:
    slow = origin.put("/events/cut", b"slow" * 100_000, held_from=200_000)
    archive_hash = service.create(slow)
    stream = events(service, archive_hash)
    last, name, _ = next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert name == "progress"
    origin.release("/events/cut")
    rest = list(events(service, archive_hash, last))
    assert rest[-1][1] == "completed"
    assert all(int(number) > int(last) for number, _, _ in rest)
    path = f"/api/archive/events/{archive_hash}"
    answer = service.client.get(path, headers={"Last-Event-ID": rest[-1][0]})
    assert answer.status_code == 204


def test_each_file_is_told_as_it_changes_over_a_cut(service: Service, origin: Origin) -> None:
    links = [origin.put(f"/events/files/{n}", bytes([n]) * 50_000) for n in range(250)]
    links.append(origin.put("/events/files/slow", b"slow" * 100_000, rate=200_000.0))
    links.append(origin.url("/events/files/dead"))
    archive_hash = service.create(*links)
    latest: dict[int, Any] = {}
    last: str | None = None
    ended = False
    while not ended:  # cut after each event, and gone on with
        stream = events(service, archive_hash, last, files="true")
        last, name, document = next(stream)
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        ended = name == "failed"
        if name == "files":
            assert 0 < len(document["files"]) <= 100
            latest |= {each["position"]: each for each in document["files"]}
    listed = service.client.get(f"/api/archive/files/{archive_hash}?limit=1000").json()["files"]
    assert [latest[at] for at in range(len(links))] == listed
    assert {each["state"] for each in listed[:-1]} == {"done"}
    assert listed[-1]["failure"]["code"] == "http-status"


def test_a_stop_ends_the_streams_and_is_not_held_up_by_them(tmp_path: Path, origin: Origin) -> None:
    with Service(tmp_path, DRAIN_TIMEOUT="45 s") as service:
        service.start()
        archive_hash = service.create(origin.put("/events/stop", bytes(500_000), held_from=5_000))
        stream = events(service, archive_hash)
        assert next(stream)[1] == "progress"
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        assert {name for _, name, _ in stream} <= {"progress"}
        assert service.process.wait(60) == 0
