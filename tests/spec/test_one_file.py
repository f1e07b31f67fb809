"""GET /archive/get/<hash>/files/<position>: one file of an archive, without the rest."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.fakes.bucket import running_s3
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from tests.fakes.origin import Origin

VIDEO = random.Random(19).randbytes(700_000)
TEXT = b"".join(b"%d bottles of beer on the wall\n" % number for number in range(40_000))
PAGE = b"<!doctype html><script>alert(1)</script>" * 10


class Archive(NamedTuple):
    """A completed archive of five files, of which the second is missing."""

    service: Service
    hash: str

    def get(self, position: int | str, method: str = "GET", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/archive/get/{self.hash}/files/{position}"
        return self.service.client.request(method, path, headers=named)


def create(service: Service, origin: Origin) -> str:
    return service.completed(
        {"url": origin.put("/one/clip.mp4", VIDEO), "name": "summer/clip.mp4"},
        origin.url("/status/nothing-here"),
        {"url": origin.put("/one/long.txt", TEXT), "name": "long.txt"},
        {"url": origin.put("/one/page.html", PAGE), "name": "page.html"},
        {"url": origin.put("/one/empty.bin", b""), "name": "empty.bin"},
        on_error="skip",
    )


@pytest.fixture(scope="module")
def archive(service: Service, origin: Origin) -> Archive:
    return Archive(service, create(service, origin))


def test_a_stored_file_comes_with_all_that_resuming_needs(archive: Archive) -> None:
    answer = archive.get(0)
    assert answer.status_code == 200
    assert answer.content == VIDEO
    assert answer.headers["content-length"] == str(len(VIDEO))
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["content-disposition"].startswith('attachment; filename="clip.mp4"')


def test_a_browser_never_runs_a_file_as_a_page_of_this_site(archive: Archive) -> None:
    answer = archive.get(3)
    assert answer.content == PAGE
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")


def test_a_range_of_a_stored_file_counts_from_the_files_own_first_byte(archive: Archive) -> None:
    etag = archive.get(0, method="HEAD").headers["etag"]
    answer = archive.get(0, Range="bytes=1000-600000", If_Range=etag)
    assert answer.status_code == 206
    assert answer.content == VIDEO[1000:600_001]
    assert answer.headers["content-range"] == f"bytes 1000-600000/{len(VIDEO)}"
    assert archive.get(0, Range=f"bytes={len(VIDEO)}-").status_code == 416
    assert archive.get(0, Range="bytes=5-9", If_Range='"another"').content == VIDEO
    assert archive.get(0, If_None_Match=etag).status_code == 304


def test_a_deflated_file_is_decompressed_and_sent_whole(archive: Archive) -> None:
    for headers in ({}, {"Range": "bytes=0-9"}):
        answer = archive.get(2, **headers)
        assert answer.status_code == 200
        assert answer.content == TEXT
        assert answer.headers["content-length"] == str(len(TEXT))
        assert answer.headers["accept-ranges"] == "none"


def test_an_empty_file_is_sent(archive: Archive) -> None:
    answer = archive.get(4)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("position", [0, 2])
def test_head_has_the_headers_of_get_and_no_body(archive: Archive, position: int) -> None:
    head, whole = archive.get(position, method="HEAD"), archive.get(position)
    assert head.content == b""
    changing = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in whole.headers.items() if k not in changing
    }


def test_every_file_has_its_own_entity_tag(archive: Archive) -> None:
    tags = {archive.get(position, method="HEAD").headers["etag"] for position in (0, 2, 3, 4)}
    assert len(tags) == 4


@pytest.mark.parametrize("position", [1, 5, 2**31 - 1])
def test_a_file_that_is_not_in_the_archive_is_not_found(archive: Archive, position: int) -> None:
    answer = archive.get(position)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


@pytest.mark.parametrize("position", ["-1", "x", str(2**31), "%00"])
def test_a_malformed_position_is_refused(archive: Archive, position: str) -> None:
    assert archive.get(position).status_code == 422


def test_an_unfinished_archive_has_no_files_to_download(service: Service, origin: Origin) -> None:
    slow = origin.put("/one/slow.bin", VIDEO, held_from=1000)
    hash_ = service.create(slow)
    assert Archive(service, hash_).get(0).status_code == 409
    origin.release("/one/slow.bin")
    service.outcome(hash_)
    assert Archive(service, hash_).get(0).content == VIDEO
    service.client.delete(f"/api/archive/{hash_}")
    assert Archive(service, hash_).get(0).status_code in {404, 410}


@pytest.mark.parametrize("downloads", [pytest.param("proxy", marks=pytest.mark.long), "redirect"])
def test_a_file_of_an_archive_in_a_bucket_is_sent_by_the_service(
    tmp_path: Path, origin: Origin, downloads: str
) -> None:
    with running_s3() as server:
        url = f"s3://{server.make_bucket()}/archives"
        with Service(tmp_path, STORAGE_URL=url, S3_DOWNLOADS=downloads) as service:
            service.environment |= server.environment
            service.start()
            archive = Archive(service, create(service, origin))
            assert archive.get(0).content == VIDEO
            assert archive.get(0, Range="bytes=5-9").content == VIDEO[5:10]
            assert archive.get(2).content == TEXT
            assert archive.get(3).content == PAGE
