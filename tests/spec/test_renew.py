"""A retry under new links: an expired one goes on where it was, and only what is asked for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from tests.fakes.origin import Origin, Request, Resource
from tests.spec.service import Service, until

if TYPE_CHECKING:
    import httpx

SIZE = 12_000_000
CUT_AT = 4_800_000
DENIED = Resource(status=403)


def retry(service: Service, archive_hash: str, **body: Any) -> httpx.Response:
    return service.client.post(f"/api/archive/retry/{archive_hash}", json=body)


def expiring(origin: Origin, path: str, body: bytes, etag: str | None = '"v1"') -> str:
    """Put a file whose link expires when 40 % of it have come."""

    def instead(_request: Request) -> Resource | None:
        return DENIED if len(origin.requests_for(path)) > 1 else None

    return origin.put(path, body, etag=etag, cut_at=CUT_AT, instead=instead) + "?signature=s3cret"


def failed_at_40_percent(
    service: Service, origin: Origin, folder: str, etag: str | None = '"v1"'
) -> tuple[str, bytes]:
    whole = random.Random(folder).randbytes(SIZE)
    links = [
        origin.put(f"{folder}/a.bin", whole[::-1]),
        expiring(origin, f"{folder}/b.bin", whole, etag),
    ]
    archive_hash = service.create(*links, origin.url(f"{folder}/gone.bin"))
    found = service.outcome(archive_hash)
    failures = [(each["position"], each["http_status"]) for each in found["failures"]]
    assert failures == [(1, 403), (2, 404)], found["failures"]
    return archive_hash, whole


def first_bytes(origin: Origin, path: str) -> list[int]:
    """List at which byte each request for a path began."""
    found = [each.headers.get("Range", "bytes=0-") for each in origin.requests_for(path)]
    return [int(each.removeprefix("bytes=").partition("-")[0]) for each in found]


def test_a_file_whose_link_expired_goes_on_under_the_new_one_also_after_a_kill(
    anywhere: Service, origin: Origin
) -> None:
    folder = f"/renew/kill/{anywhere.port}"
    archive_hash, whole = failed_at_40_percent(anywhere, origin, folder)
    anywhere.kill()
    anywhere.start()
    new = origin.put(f"{folder}/new/b.bin", whole, etag='"v1"') + "?signature=n3w"
    gone = origin.put(f"{folder}/new/gone.bin", b"here after all")
    answer = retry(anywhere, archive_hash, urls={"1": new, "2": gone})
    assert answer.status_code == 202, answer.text
    found = anywhere.outcome(archive_hash)
    assert found["status"] == "completed", found
    assert anywhere.members(archive_hash) == {
        "a.bin": whole[::-1],
        "b.bin": whole,
        "gone.bin": b"here after all",
    }
    assert "n3w" not in anywhere.log
    assert "s3cret" not in anywhere.log
    assert min(first_bytes(origin, f"{folder}/new/b.bin")) == CUT_AT
    assert len(origin.requests_for(f"{folder}/a.bin")) == 1


def test_a_kill_under_the_new_link_costs_no_byte_that_was_recorded(
    anywhere: Service, origin: Origin
) -> None:
    folder = f"/renew/again/{anywhere.port}"
    archive_hash, whole = failed_at_40_percent(anywhere, origin, folder)
    new = f"{folder}/new/b.bin"
    link = origin.put(new, whole, etag='"v1"', held_from=9_000_000)
    assert retry(anywhere, archive_hash, urls={"1": link}, on_error="skip").status_code == 202
    until(lambda: anywhere.kept(archive_hash)[1] > CUT_AT, "some of the rest is recorded")
    kept = anywhere.kept(archive_hash)[1]
    anywhere.kill()
    before = len(origin.requests_for(new))
    origin.release(new)
    anywhere.start()
    found = anywhere.outcome(archive_hash)
    assert found["status"] == "completed", found
    assert [each["position"] for each in found["missing"]] == [2]
    members = anywhere.members(archive_hash)
    assert (members["a.bin"], members["b.bin"]) == (whole[::-1], whole)
    assert min(first_bytes(origin, new)) == CUT_AT
    assert min(first_bytes(origin, new)[before:]) >= kept
    assert len(origin.requests_for(f"{folder}/a.bin")) == 1


def test_another_version_or_one_without_a_strong_etag_starts_over(
    service: Service, origin: Origin
) -> None:
    for name, before, after in (("other", '"v1"', '"v2"'), ("weak", 'W/"v1"', 'W/"v1"')):
        folder = f"/renew/{name}"
        archive_hash, whole = failed_at_40_percent(service, origin, folder, before)
        another = whole if name == "weak" else random.Random("another").randbytes(SIZE)
        new = origin.put(f"{folder}/new/b.bin", another, etag=after)
        assert retry(service, archive_hash, urls={"1": new}, on_error="skip").status_code == 202
        assert service.outcome(archive_hash)["status"] == "completed"
        members = service.members(archive_hash)
        assert list(members) == ["a.bin", "b.bin", "_missing.txt"]
        assert (members["a.bin"], members["b.bin"]) == (whole[::-1], another)


def test_only_the_chosen_files_are_tried_and_the_others_keep_what_they_have(
    service: Service, origin: Origin
) -> None:
    folder = "/renew/chosen"
    archive_hash, whole = failed_at_40_percent(service, origin, folder)
    origin.put(f"{folder}/gone.bin", b"there now" * 100_000)
    asked = len(origin.requests_for(f"{folder}/b.bin"))
    assert retry(service, archive_hash, positions=[2]).status_code == 202
    found = service.outcome(archive_hash)
    assert (found["status"], found["files"]) == ("failed", {"total": 3, "done": 2, "failed": 1})
    assert len(origin.requests_for(f"{folder}/b.bin")) == asked
    new = origin.put(f"{folder}/new/b.bin", whole, etag='"v1"')
    assert retry(service, archive_hash, urls={"1": new}).status_code == 202
    assert service.outcome(archive_hash)["status"] == "completed"
    assert service.members(archive_hash)["b.bin"] == whole
    assert min(first_bytes(origin, f"{folder}/new/b.bin")) == CUT_AT


def test_a_job_finished_without_a_file_that_was_cut_has_no_gap(
    service: Service, origin: Origin
) -> None:
    archive_hash, whole = failed_at_40_percent(service, origin, "/renew/finish")
    assert service.client.post(f"/api/archive/finish/{archive_hash}").status_code == 202
    assert service.outcome(archive_hash)["status"] == "completed"
    members = service.members(archive_hash)
    assert list(members) == ["a.bin", "_missing.txt"]
    assert members["a.bin"] == whole[::-1]
    assert int(service.download(archive_hash).headers["content-length"]) < SIZE + 10_000


def test_what_cannot_be_used_is_named_and_nothing_is_queued(
    service: Service, origin: Origin
) -> None:
    archive_hash = service.create(origin.put("/renew/ok.txt", b"ok"), origin.url("/renew/none"))
    assert service.outcome(archive_hash)["status"] == "failed"
    good = origin.url("/renew/other")
    for body, pointer, words in (
        ({"urls": {"1": "ftp://example.org/x"}}, "/urls/1", "only http:// and https:// links"),
        ({"urls": {"1": "http://10.0.0.1/x?k=s3cret"}}, "/urls/1", "not"),
        ({"urls": {"0": good}}, "/urls/0", "file 0 has not failed"),
        ({"urls": {"7": good}}, "/urls/7", "file 7 has not failed"),
        ({"urls": {"01": good}}, "/urls/01", "must be the position"),
        ({"urls": {"1": 5}}, "/urls/1", "must be a string"),
        ({"positions": [0, 1]}, "/positions", "file 0 has not failed"),
        ({"positions": ["1"]}, "/positions/0", "must be a whole number"),
    ):
        answer = retry(service, archive_hash, **body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request"), body
        [error] = answer.json()["errors"]
        assert error["pointer"] == pointer
        assert words in error["detail"]
        assert "s3cret" not in answer.text
    assert service.status(archive_hash)["status"] == "failed"
