"""Archives in a bucket: the same promises, through the API or by a redirect to the bucket."""

from __future__ import annotations

import hashlib
import io
import random
import re
import sqlite3
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from tests.fakes.archives import packed_files
from tests.fakes.bucket import FakeS3, running_s3
from tests.fakes.faulty_s3 import Fault, before
from tests.fleet.relay import Relay
from tests.spec.service import Service, until

from packmule.jobs.model import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin

BODY = random.Random(8).randbytes(9_000_000)
# Larger than a part; and one that is sent in slices while it comes.
WHOLE = [random.Random(n).randbytes(10_000_000) for n in range(2)]
SLICED = random.Random(9).randbytes(40_000_000)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeS3]:
    with running_s3() as running:
        yield running


@pytest.mark.parametrize("downloads", ["proxy", "redirect"])
def test_an_archive_in_a_bucket_is_downloaded_whole_and_in_ranges_and_then_removed(
    tmp_path: Path, server: FakeS3, origin: Origin, downloads: str
) -> None:
    link = origin.put(f"/buckets/{downloads}.bin", BODY)
    bucket = server.make_bucket()
    url = f"s3://{bucket}/some/archives"
    with Service(tmp_path, STORAGE_URL=url, S3_DOWNLOADS=downloads) as service:
        service.environment |= server.environment
        service.start()
        hash_ = service.completed(link)
        path = f"/archive/get/{hash_}.zip"
        with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
            first = client.get(path)
            assert first.is_redirect == (downloads == "redirect")
            whole = client.get(path, follow_redirects=True)
            head = client.head(path)
            assert head.status_code == 200
            etag = head.headers["etag"]
            asked = {"Range": "bytes=100-5000099", "If-Range": etag}
            part = client.get(path, headers=asked, follow_redirects=True)
            known = client.get(path, headers={"If-None-Match": etag})
            past = client.get(path, headers={"Range": f"bytes={len(whole.content)}-"})
        assert whole.headers["etag"] == part.headers["etag"] == etag
        assert int(head.headers["content-length"]) == len(whole.content)
        assert f"{hash_}.zip" in whole.headers["content-disposition"]
        assert zipfile.ZipFile(io.BytesIO(whole.content)).read(f"{downloads}.bin") == BODY
        assert part.status_code == 206
        assert part.content == whole.content[100:5_000_100]
        assert known.status_code == 304
        assert past.status_code == 416
        assert list((tmp_path / "data/scratch").rglob("*.zip*")) == []
        service.client.delete(f"/api/archive/{hash_}")
    names = [each["Key"] for each in server.client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert names == ["some/archives/.written-by-packmule"]


def test_a_bucket_that_is_away_when_an_archive_is_done_is_waited_for(
    tmp_path: Path, server: FakeS3, origin: Origin
) -> None:
    link = origin.put("/buckets/waiting.txt", b"to be kept")
    url = f"s3://{server.make_bucket()}/archives"
    port = urlsplit(server.url).port
    assert port is not None
    with Relay("127.0.0.1", port) as relay, Service(tmp_path, STORAGE_URL=url) as service:
        way = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{relay.port}"}
        service.environment |= server.environment | way
        service.start()
        relay.cut()
        hash_ = service.create(link)
        until(lambda: "job postponed" in service.log, "the job has met the silence")
        assert service.status(hash_)["status"] == "in-progress"
        relay.mend()
        assert service.outcome(hash_)["status"] == "completed"
        assert service.members(hash_) == {"waiting.txt": b"to be kept"}
    assert len(origin.requests_for("/buckets/waiting.txt")) == 1


def until_waiting(service: Service, hash_: str) -> None:
    until(lambda: service.status(hash_).get("waiting") is not None, "the job waits")
    found = service.status(hash_)
    assert found["status"] == "in-progress"
    assert found["waiting"]["code"] == "storage"


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param((403, "AccessDenied"), marks=pytest.mark.long),
        (404, "NoSuchBucket"),
        pytest.param((400, "ExpiredToken"), marks=pytest.mark.long),
    ],
    ids=str,
)
def test_a_bucket_that_an_operator_can_mend_is_waited_for_and_seen(
    tmp_path: Path, server: FakeS3, origin: Origin, refusal: tuple[int, str]
) -> None:
    link = origin.put(f"/buckets/{refusal[1]}.txt", b"to be kept")
    url = f"s3://{server.make_bucket()}/archives"
    with before(server.url) as faulty, Service(tmp_path, STORAGE_URL=url) as service:
        service.environment |= server.environment | {"AWS_ENDPOINT_URL_S3": faulty.url}
        faulty.refusal = refusal
        service.start()  # it starts, and is ready, all the same
        ready = service.client.get("/readyz").json()
        assert ready["status"] == "ready"
        assert refusal[1] in ready["checks"]["storage"]
        hash_ = service.create(link)
        until_waiting(service, hash_)
        assert refusal[1] not in service.client.get(f"/api/archive/status/{hash_}").text
        until(lambda: "packmule_jobs_waiting_for_storage 1.0" in scraped(service), "it is counted")
        assert "packmule_storage_up 0.0" in scraped(service)
        assert re.search(
            r'packmule_bucket_requests_total\{[^}]*outcome="refused"[^}]*\} [1-9]', scraped(service)
        )
        faulty.refusal = None
        assert service.outcome(hash_)["status"] == "completed"
        assert service.members(hash_) == {f"{refusal[1]}.txt": b"to be kept"}
    assert len(origin.requests_for(f"/buckets/{refusal[1]}.txt")) == 1


@pytest.mark.parametrize(
    ("refusal", "wait"),
    [
        ((403, "AccessDenied"), "1s"),
        pytest.param((400, "MalformedXML"), "6h", marks=pytest.mark.long),
    ],
    ids=str,
)
def test_a_bucket_that_stays_closed_or_takes_nothing_fails_the_job_as_storage(
    tmp_path: Path, server: FakeS3, origin: Origin, refusal: tuple[int, str], wait: str
) -> None:
    link = origin.put(f"/buckets/closed-{refusal[1]}.txt", b"to be kept")
    url = f"s3://{server.make_bucket()}/archives"
    with (
        before(server.url) as faulty,
        Service(tmp_path, STORAGE_URL=url, STORAGE_WAIT=wait) as service,
    ):
        service.environment |= server.environment | {"AWS_ENDPOINT_URL_S3": faulty.url}
        faulty.refusal = refusal
        service.start()
        hash_ = service.create(link)
        failed = service.outcome(hash_)
        assert (failed["status"], failed["error"]["code"]) == ("failed", "storage")
        assert refusal[1] in failed["error"]["detail"]
        faulty.refusal = None
        assert service.client.post(f"/api/archive/retry/{hash_}").is_success
        assert service.outcome(hash_)["status"] == "completed"


def scraped(service: Service) -> str:
    return service.client.get("/metrics").text


def noted_parts(folder: Path) -> set[int]:
    """List the parts that a checkpoint says the bucket has."""
    with closing(sqlite3.connect(folder / "jobs.db")) as database:
        rows = database.execute("SELECT number FROM parts WHERE etag IS NOT NULL")
        return {number for (number,) in rows}


@pytest.mark.parametrize(
    "place", [pytest.param("the same machine", marks=pytest.mark.long), "another machine"]
)
def test_a_killed_job_goes_on_with_what_is_in_the_bucket(
    tmp_path: Path, server: FakeS3, origin: Origin, place: str
) -> None:
    links = [origin.put(f"/going-on/{place[0]}{n}.bin", WHOLE[n]) for n in range(2)]
    slow = f"/going-on/{place[0]}-slow.bin"
    links.append(origin.put(slow, SLICED, rate=8e6))
    bucket = server.make_bucket()
    settings = {
        "STORAGE_URL": f"s3://{bucket}/archives",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.db'}",
    }
    with before(server.url) as faulty, Service(tmp_path, **settings) as service:
        faulty.faults = [Fault.SLOW_DOWN, Fault.CUT, Fault.WRONG_ETAG]
        service.environment |= server.environment | {"AWS_ENDPOINT_URL_S3": faulty.url}
        service.start()
        hash_ = service.create(*links, compression="store")
        until(lambda: len(noted_parts(tmp_path)) >= 3, "three parts are in the bucket")
        service.kill()
        noted, sent = noted_parts(tmp_path), len(faulty.parts)
        before_kill = len(origin.requests_for(slow))
        origin.resources[slow].rate = None
        if place == "another machine":
            service.environment["PACKMULE_DATA_DIR"] = str(tmp_path / "another")
        service.start()
        assert service.outcome(hash_)["status"] == "completed"
        assert faulty.faults == []
        members = service.members(hash_)
        assert service.client.delete(f"/api/archive/{hash_}").status_code < 300
    assert list(members.values()) == [*WHOLE, SLICED]
    fetched = [len(origin.requests_for("/" + link.split("/", 3)[3])) for link in links[:2]]
    # Which of them shares a part with the open file, and so was lost, is chance: both
    # do if it lies between them.
    assert max(fetched) <= (1 if place == "the same machine" else 2)
    requests = origin.requests_for(slow)
    assert requests[0].headers["Range"] is None
    # Further requests may be for other ranges of it; only one without says that it began anew.
    began_anew = any(each.headers["Range"] is None for each in requests[before_kill:])
    assert not began_anew or place == "another machine"
    if place == "the same machine":
        assert noted.isdisjoint(faulty.parts[sent:])
    # A kill while the bucket was tried out may leave the upload of that.
    uploads = server.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    assert [each["Key"] for each in uploads if hash_ in each["Key"]] == []


@pytest.mark.long
def test_a_killed_upload_is_verified_as_a_whole(
    tmp_path: Path, server: FakeS3, origin: Origin
) -> None:
    wanted = {
        "url": origin.put("/verified/slow.bin", SLICED, rate=8e6),
        "sha256": hashlib.sha256(SLICED).hexdigest(),
    }
    other = origin.put("/verified/other.bin", WHOLE[0])
    settings = {
        "STORAGE_URL": f"s3://{server.make_bucket()}/archives",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.db'}",
    }
    with Service(tmp_path, **settings) as service:
        service.environment |= server.environment
        hash_ = service.start().create(wanted, other, compression="store", manifest=True)
        until(lambda: len(noted_parts(tmp_path)) >= 3, "three parts are in the bucket")
        service.kill()
        origin.resources["/verified/slow.bin"].rate = None
        service.start()
        assert service.outcome(hash_)["status"] == "completed"
        members = service.members(hash_)
    assert packed_files(members, Manifest.SUMS) == {"slow.bin": SLICED, "other.bin": WHOLE[0]}
