"""`max_part_bytes`: several archives of whole files, each to be had as soon as it is complete."""

from __future__ import annotations

import json
import random
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.receiver import SECRET, Receiver
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

LIMIT = 1_000_000
BODIES = {f"{n}.bin": random.Random(n).randbytes(400_000) for n in range(5)}
LARGE = random.Random(99).randbytes(2_500_000)

# What fills no block is recorded only when its transfer has stalled.
SLOW = random.Random(98).randbytes(6_000_000)
RECORDED_FROM = 4_500_000


def links(origin: Origin, folder: str, **more: dict[str, Any]) -> list[str]:
    """Put the files on the origin; two of them fit into a part."""
    return [
        origin.put(f"{folder}/{name}", body, **more.get(name.partition(".")[0], {}))
        for name, body in BODIES.items()
    ]


def files_of(service: Service, part: dict[str, Any]) -> dict[str, bytes]:
    """Download a part, and give what is in it, in its order."""
    answer = service.client.get(part["url"])
    assert answer.status_code == 200, answer.text
    assert len(answer.content) == part["size"]
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert len(found) - ("_missing.txt" in found) == part["files"]
    return found


def all_files(service: Service, status: dict[str, Any]) -> dict[str, bytes]:
    """Download all parts of a completed archive, and give what is in them."""
    found: dict[str, bytes] = {}
    for part in status["parts"]:
        files = files_of(service, part)
        assert not files.keys() & found.keys()
        names = [name for name in files if name != "_missing.txt"]
        assert names == sorted(names), "each part is in the caller's order"
        assert part["size"] <= LIMIT or len(names) == 1
        found |= files
    assert status["url"] == status["parts"][0]["url"]
    assert status["size"] == sum(part["size"] for part in status["parts"])
    return found


def parts(service: Service, archive_hash: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.status(archive_hash)["parts"]
    return found


def test_each_part_is_an_archive_of_whole_files_no_larger_than_asked(
    service: Service, origin: Origin
) -> None:
    asked = [*links(origin, "/split/whole"), origin.put("/split/whole/9.bin", LARGE)]
    archive_hash = service.completed(*asked, max_part_bytes=LIMIT, name="photos.zip")
    status = service.status(archive_hash)
    assert all_files(service, status) == {**BODIES, "9.bin": LARGE}
    assert sorted(part["files"] for part in status["parts"]) == [1, 1, 2, 2]
    assert status["url"].endswith(f"/archive/get/{archive_hash}.zip")
    page = service.client.get(f"/a/{archive_hash}").text
    assert all(f"archive/get/{archive_hash}/parts/{number}" in page for number in (1, 2, 3, 4))
    second = service.client.get(f"/archive/get/{archive_hash}/parts/2")
    assert "photos-2.zip" in second.headers["content-disposition"]
    again = service.client.get(
        f"/archive/get/{archive_hash}/parts/2", headers={"Range": "bytes=2-5"}
    )
    assert (again.status_code, again.content) == (206, second.content[2:6])
    for position, body in enumerate([*BODIES.values(), LARGE]):
        one = service.client.get(f"/archive/get/{archive_hash}/files/{position}")
        assert one.content == body
    assert service.client.get(f"/archive/get/{archive_hash}/parts/5").status_code == 404
    assert service.client.get(f"/archive/get/{archive_hash}/parts/0").status_code == 422
    service.client.delete(f"/api/archive/{archive_hash}").raise_for_status()
    until(lambda: not leftovers(service, archive_hash), "all parts are removed")
    assert service.client.get(f"/archive/get/{archive_hash}/parts/2").status_code == 410


def leftovers(service: Service, archive_hash: str) -> list[Path]:
    return [path for path in service.seen_data().rglob(f"{archive_hash}*") if path.is_file()]


def test_an_archive_that_fits_is_one_part_and_any_other_has_no_parts(
    service: Service, origin: Origin
) -> None:
    url = origin.put("/split/one.txt", b"one")
    status = service.status(service.completed(url, max_part_bytes=LIMIT))
    assert all_files(service, status) == {"one.txt": b"one"}
    assert len(status["parts"]) == 1
    assert service.status(service.completed(url))["parts"] is None


def test_a_part_is_there_and_is_told_while_the_rest_is_still_fetched(
    tmp_path: Path, origin: Origin
) -> None:
    folder = "/split/early"
    with Receiver() as receiver, Service(
        tmp_path, WEBHOOK_URL=receiver.url, WEBHOOK_SECRET=SECRET
    ) as service:  # fmt: skip
        service.start()
        asked = links(origin, folder)
        slow = origin.put(f"{folder}/slow.bin", LARGE, held_from=500_000)
        archive_hash = service.create(slow, *asked, max_part_bytes=LIMIT)
        until(lambda: parts(service, archive_hash), "a part is complete")
        assert service.status(archive_hash)["status"] == "in-progress"
        [first, *_] = parts(service, archive_hash)
        assert files_of(service, first).items() <= BODIES.items()
        assert service.download(archive_hash).status_code == 200
        missing = service.client.get(f"/archive/get/{archive_hash}/parts/4")
        assert (missing.status_code, missing.json()["code"]) == (409, "wrong-state")
        early = service.client.get(f"/archive/get/{archive_hash}/files/0")
        assert early.status_code == 404
        until(lambda: receiver.about(archive_hash), "the receiver is told of it")
        origin.release(f"{folder}/slow.bin")
        status = service.outcome(archive_hash)
        assert all_files(service, status) == {**BODIES, "slow.bin": LARGE}
        until(
            lambda: len(receiver.about(archive_hash)) == len(status["parts"]) + 1,
            "the receiver is told of all",
        )
        told = [each.document for each in receiver.about(archive_hash)]
        of_parts = [each["data"] for each in told if each["type"] == "archive.part-completed"]
        by_url = {part["url"]: part for part in status["parts"]}
        assert {each["part"]["url"]: each["part"] for each in of_parts} == by_url
        assert {each["status"] for each in of_parts} == {"in-progress"}
        [end] = [each["data"] for each in told if each["type"] == "archive.completed"]
        assert end["parts"] == status["parts"]
        events = event_stream(service, archive_hash)
        seen = [each for name, each in events if name == "part-completed"]
        assert seen == status["parts"]
        assert events[-1][0] == "completed"


def event_stream(service: Service, archive_hash: str) -> list[tuple[str, dict[str, Any]]]:
    answer = service.client.get(f"/api/archive/events/{archive_hash}")
    found = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_what_is_packed_is_not_fetched_again_after_a_kill(
    anywhere: Service, origin: Origin
) -> None:
    folder = f"/split/kill/{anywhere.port}"
    slow = origin.put(f"{folder}/slow.bin", SLOW, held_from=RECORDED_FROM, etag='"v1"')
    archive_hash = anywhere.create(slow, *links(origin, folder), max_part_bytes=LIMIT)
    until(lambda: len(parts(anywhere, archive_hash)) == 2, "two parts are complete")
    until(lambda: all(anywhere.kept(archive_hash)), "a checkpoint tells of every file")
    before = parts(anywhere, archive_hash)
    anywhere.kill()
    origin.release(f"{folder}/slow.bin")
    anywhere.start()
    status = anywhere.outcome(archive_hash)
    assert status["parts"][:2] == before
    assert all_files(anywhere, status) == {**BODIES, "slow.bin": SLOW}
    for name in BODIES:
        assert len(origin.requests_for(f"{folder}/{name}")) == 1
    assert origin.ranges_for(f"{folder}/slow.bin")[-1] is not None
    is_local = "PACKMULE_STORAGE_URL" not in anywhere.environment
    of_archives = len(status["parts"]) if is_local else 0
    until(lambda: len(leftovers(anywhere, archive_hash)) == of_archives, "no scratch is left")
    anywhere.client.delete(f"/api/archive/{archive_hash}").raise_for_status()
    until(lambda: not leftovers(anywhere, archive_hash), "all parts are removed")
    assert anywhere.client.get(f"/archive/get/{archive_hash}/parts/2").status_code == 410


def test_a_failed_job_keeps_its_parts_and_a_retry_adds_to_them(
    service: Service, origin: Origin
) -> None:
    folder = "/split/retry"
    dead = origin.url(f"{folder}/dead.bin")
    archive_hash = service.create(*links(origin, folder), dead, max_part_bytes=LIMIT)
    failed = service.outcome(archive_hash)
    assert failed["status"] == "failed"
    for part in failed["parts"]:
        assert files_of(service, part).items() <= BODIES.items()
    origin.put(f"{folder}/dead.bin", b"alive")
    service.client.post(f"/api/archive/retry/{archive_hash}").raise_for_status()
    status = service.outcome(archive_hash)
    assert status["parts"][: len(failed["parts"])] == failed["parts"]
    assert all_files(service, status) == {**BODIES, "dead.bin": b"alive"}
    for name in BODIES:
        assert len(origin.requests_for(f"{folder}/{name}")) == 1


def test_the_last_part_says_what_is_missing(service: Service, origin: Origin) -> None:
    folder = "/split/missing"
    dead = origin.url(f"{folder}/dead.bin")
    archive_hash = service.completed(
        dead, *links(origin, folder), max_part_bytes=LIMIT, on_error="skip"
    )
    status = service.status(archive_hash)
    assert [each["position"] for each in status["missing"]] == [0]
    found = all_files(service, status)
    assert b"dead.bin" in found.pop("_missing.txt")
    assert found == BODIES
    assert "_missing.txt" in files_of(service, status["parts"][-1])


def test_finishing_completes_the_parts_that_are_begun(service: Service, origin: Origin) -> None:
    folder = "/split/finish"
    slow = origin.put(f"{folder}/slow.bin", LARGE, held_from=100_000)
    archive_hash = service.create(*links(origin, folder), slow, max_part_bytes=LIMIT)
    until(lambda: all(service.kept(archive_hash)), "a checkpoint tells of every file")
    service.client.post(f"/api/archive/finish/{archive_hash}").raise_for_status()
    status = service.outcome(archive_hash)
    assert [each["code"] for each in status["missing"]] == ["left-out"]
    found = all_files(service, status)
    assert b"slow.bin" in found.pop("_missing.txt")
    assert found == BODIES


def test_a_cancelled_job_leaves_no_part(service: Service, origin: Origin) -> None:
    folder = "/split/cancel"
    slow = origin.put(f"{folder}/slow.bin", LARGE, held_from=100_000)
    archive_hash = service.create(*links(origin, folder), slow, max_part_bytes=LIMIT)
    until(lambda: parts(service, archive_hash), "a part is complete")
    service.client.post(f"/api/archive/cancel/{archive_hash}").raise_for_status()
    assert service.client.get(f"/archive/get/{archive_hash}/parts/1").status_code == 409
    until(lambda: not leftovers(service, archive_hash), "nothing is left")


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"max_part_bytes": 999_999}, "/max_part_bytes"),
        ({"max_part_bytes": "1000000"}, "/max_part_bytes"),
        ({"max_part_bytes": LIMIT, "manifest": True}, "/max_part_bytes"),
        ({"max_part_bytes": LIMIT, "manifest": "bagit"}, "/max_part_bytes"),
    ],
)
def test_a_split_that_cannot_be_made_is_refused(
    service: Service, more: dict[str, Any], pointer: str
) -> None:
    asked = {"urls": ["https://example.org/a.bin"], **more}
    answer = service.client.post("/api/archive/create", json=asked)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
