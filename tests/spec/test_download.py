"""GET and HEAD /archive/get: whole, conditional and in ranges, by RFC 9110 and RFC 6266."""

from __future__ import annotations

import email
import email.policy
import random
import time
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

NO_JOB = "0" * 32
BODY = random.Random(5).randbytes(3_000_000)


@dataclass(frozen=True, slots=True)
class Archive:
    """A completed archive, and how it is asked for."""

    service: Service
    hash: str
    content: bytes
    etag: str
    last_modified: str

    @property
    def path(self) -> str:
        return f"/archive/get/{self.hash}.zip"

    def get(self, **headers: str) -> httpx.Response:
        return self.service.download(self.hash, **headers)

    def head(self, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.client.head(self.path, headers=named)

    @property
    def size(self) -> int:
        return len(self.content)

    def date(self, seconds: float) -> str:
        """Give the HTTP-date so many seconds after the archive's own."""
        moment = parsedate_to_datetime(self.last_modified).timestamp() + seconds
        return formatdate(moment, usegmt=True)


@pytest.fixture(scope="module")
def archive(service: Service, origin: Origin) -> Archive:
    """Give an archive of a few megabytes."""
    link = origin.put("/download/body.bin", BODY)
    archive_hash = service.completed(link, name="holiday.zip")
    answer = service.download(archive_hash)
    return Archive(
        service,
        archive_hash,
        answer.content,
        answer.headers["etag"],
        answer.headers["last-modified"],
    )


def problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["status"], document["code"]) == (status, code)


def test_the_whole_archive_comes_with_all_that_resuming_needs(archive: Archive) -> None:
    answer = archive.get()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-length"] == str(archive.size)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"].startswith('"')  # strong: no W/
    assert answer.headers["last-modified"].endswith(" GMT")
    assert BODY in answer.content


def test_head_has_the_headers_of_get_and_no_body(archive: Archive) -> None:
    answer, whole = archive.head(), archive.get()
    assert answer.status_code == 200
    assert answer.content == b""
    changing = {"date", "x-request-id"}
    assert {k: v for k, v in answer.headers.items() if k not in changing} == {
        k: v for k, v in whole.headers.items() if k not in changing
    }


def test_a_range_with_head_is_ignored(archive: Archive) -> None:
    answer = archive.head(Range="bytes=0-9")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(archive.size)


def test_the_file_is_named_as_the_caller_wished(archive: Archive) -> None:
    assert archive.get().headers["content-disposition"] == (
        "attachment; filename=\"holiday.zip\"; filename*=UTF-8''holiday.zip"
    )


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("Müller & Söhne", "M_ller & S_hne.zip", "M%C3%BCller%20%26%20S%C3%B6hne.zip"),
        ('a"b%c.ZIP', "a_b_c.ZIP", "a%22b%25c.ZIP"),
        ("休暇.zip", "__.zip", "%E4%BC%91%E6%9A%87.zip"),
        (None, "{hash}.zip", "{hash}.zip"),
    ],
)
def test_any_name_is_spelled_so_that_every_browser_reads_it(
    service: Service, origin: Origin, name: str | None, plain: str, encoded: str
) -> None:
    archive_hash = service.completed(origin.put("/download/named", b"x"), name=name)
    plain, encoded = (text.replace("{hash}", archive_hash) for text in (plain, encoded))
    assert service.download(archive_hash).headers["content-disposition"] == (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    )


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-999", 0, 1000),
        ("bytes=1000-", 1000, None),
        ("bytes=-500", -500, None),
        ("bytes=-99999999", 0, None),
        ("bytes=2000000-99999999", 2_000_000, None),
        ("BYTES=10-19", 10, 20),
        ("bytes= 10-19 ,", 10, 20),
        ("bytes=10-19,15-29", 10, 30),
        ("bytes=10-19,99999999-", 10, 20),
    ],
)
def test_a_range_is_206_with_exactly_its_bytes(
    archive: Archive, asked: str, first: int, end: int | None
) -> None:
    answer = archive.get(Range=asked)
    expected = archive.content[first:end]
    start = first if first >= 0 else archive.size + first
    assert answer.status_code == 206
    assert answer.content == expected
    assert answer.headers["content-length"] == str(len(expected))
    assert answer.headers["content-range"] == (
        f"bytes {start}-{start + len(expected) - 1}/{archive.size}"
    )
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["etag"] == archive.etag


def test_several_ranges_are_multipart(archive: Archive) -> None:
    answer = archive.get(Range="bytes=0-9,1000-1999,-20")
    assert answer.status_code == 206
    assert answer.headers["content-length"] == str(len(answer.content))
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    document = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
    assert document.get_content_type() == "multipart/byteranges"
    size = archive.size
    expected = {
        f"bytes 0-9/{size}": archive.content[:10],
        f"bytes 1000-1999/{size}": archive.content[1000:2000],
        f"bytes {size - 20}-{size - 1}/{size}": archive.content[-20:],
    }
    boundary = document.get_boundary()
    assert boundary is not None
    parts = answer.content.split(f"--{boundary}".encode())
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")
    found = {}
    for part in parts[1:-1]:
        headers, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        fields = dict(line.split(": ") for line in headers.decode().split("\r\n"))
        assert fields["Content-Type"] == "application/zip"
        found[fields["Content-Range"]] = body.removesuffix(b"\r\n")
    assert found == expected


@pytest.mark.parametrize("asked", ["bytes=3100000-", "bytes=99999999-", "bytes=-0"])
def test_a_range_past_the_end_is_416(archive: Archive, asked: str) -> None:
    answer = archive.get(Range=asked)
    problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{archive.size}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=9-5", "bytes=a-b", "bytes=", "bytes=-", "bytes=1", "items=0-5", "0-5", "bytes=0x1-5",
        "bytes=" + ",".join(f"{n * 1000}-{n * 1000}" for n in range(40)),
    ],
)  # fmt: skip
def test_a_range_that_is_none_is_ignored(archive: Archive, asked: str) -> None:
    answer = archive.get(Range=asked)
    assert answer.status_code == 200
    assert len(answer.content) == archive.size


def test_if_range_with_the_same_tag_gives_the_range(archive: Archive) -> None:
    assert archive.get(Range="bytes=5-9", If_Range=archive.etag).content == archive.content[5:10]


def test_if_range_with_the_very_date_gives_the_range(archive: Archive) -> None:
    answer = archive.get(Range="bytes=5-9", If_Range=archive.last_modified)
    assert answer.content == archive.content[5:10]


def test_if_range_with_anything_else_gives_the_whole(archive: Archive) -> None:
    others = ['"other"', f"W/{archive.etag}", archive.date(-1), archive.date(1), "nonsense"]
    assert [archive.get(Range="bytes=5-9", If_Range=other).status_code for other in others] == (
        [200] * len(others)
    )


def test_if_none_match_with_the_same_tag_is_304_without_a_body(archive: Archive) -> None:
    for tags in (archive.etag, f'"other", {archive.etag}', f"W/{archive.etag}", "*"):
        answer = archive.get(If_None_Match=tags)
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == archive.etag
        assert answer.headers["last-modified"] == archive.last_modified


def test_if_none_match_with_another_tag_gives_the_whole(archive: Archive) -> None:
    assert archive.get(If_None_Match='"other"').status_code == 200


def test_if_modified_since_is_304_from_the_archives_own_date_on(archive: Archive) -> None:
    dates = [archive.date(-1), archive.last_modified, archive.date(1), "nonsense"]
    found = [archive.get(If_Modified_Since=date).status_code for date in dates]
    assert found == [200, 304, 304, 200]


def test_if_none_match_goes_before_if_modified_since(archive: Archive) -> None:
    answer = archive.get(If_None_Match='"other"', If_Modified_Since=archive.date(1))
    assert answer.status_code == 200


def test_if_match_with_another_tag_is_412(archive: Archive) -> None:
    problem(archive.get(If_Match='"other"'), 412, "precondition-failed")
    problem(archive.get(If_Match=f"W/{archive.etag}"), 412, "precondition-failed")
    assert archive.get(If_Match=archive.etag).status_code == 200
    assert archive.get(If_Match="*").status_code == 200


def test_if_unmodified_since_before_the_archives_date_is_412(archive: Archive) -> None:
    problem(archive.get(If_Unmodified_Since=archive.date(-1)), 412, "precondition-failed")
    assert archive.get(If_Unmodified_Since=archive.last_modified).status_code == 200


def test_conditions_hold_for_head_too(archive: Archive) -> None:
    assert archive.head(If_None_Match=archive.etag).status_code == 304
    answer = archive.head(If_Match='"other"')
    assert answer.status_code == 412
    assert answer.content == b""


def test_conditions_with_a_head_ask_for_no_range(archive: Archive) -> None:
    assert archive.head(If_Modified_Since=archive.last_modified).status_code == 304
    assert archive.head(If_Unmodified_Since=archive.date(-1)).status_code == 412
    assert archive.head(Range="bytes=0-0", If_Range=archive.etag).status_code == 200
    assert archive.head(Range="bytes=99999999-").status_code == 200


@pytest.mark.parametrize(
    ("field", "others", "status"),
    [("If-None-Match", 200, 304), ("If-Match", 412, 200)],
)
def test_tags_in_several_lines_are_one_list(
    archive: Archive, field: str, others: int, status: int
) -> None:
    lines = [(field, '"one"'), (field, '"two"')]
    assert archive.service.client.get(archive.path, headers=lines).status_code == others
    for at in range(3):
        three = [*lines[:at], (field, archive.etag), *lines[at:]]
        assert archive.service.client.get(archive.path, headers=three).status_code == status


def test_two_ranges_in_two_lines_are_none(archive: Archive) -> None:
    lines = [("Range", "bytes=0-9"), ("Range", "bytes=20-29")]
    answer = archive.service.client.get(archive.path, headers=lines)
    assert answer.status_code == 200
    assert len(answer.content) == archive.size


def test_if_match_that_holds_lets_the_range_hold(archive: Archive) -> None:
    answer = archive.get(Range="bytes=-3", If_Match=archive.etag)
    assert (answer.status_code, answer.content) == (206, archive.content[-3:])
    problem(archive.get(Range="bytes=-3", If_Match='"other"'), 412, "precondition-failed")
    # A range that cannot be had is told as that only where the conditions hold.
    problem(archive.get(Range="bytes=-0", If_Match='"other"'), 412, "precondition-failed")
    assert archive.get(Range="bytes=-0", If_Range='"other"').status_code == 200


def test_first_and_last_byte_are_two_parts(archive: Archive) -> None:
    answer = archive.get(Range="bytes=0-0,-1")
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges; boundary=")
    size = archive.size
    assert f"Content-Range: bytes 0-0/{size}\r\n\r\nP\r\n".encode() in answer.content
    assert f"Content-Range: bytes {size - 1}-{size - 1}/{size}\r\n".encode() in answer.content


def test_however_often_the_whole_is_asked_for_it_is_sent_once(archive: Archive) -> None:
    answer = archive.get(Range="bytes=" + ",".join(["0-"] * 32))
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes 0-{archive.size - 1}/{archive.size}"
    assert answer.content == archive.content


def pieces(content: bytes, randomly: random.Random) -> Iterator[tuple[int, int]]:
    """Cut a content at random."""
    at = 0
    while at < len(content):
        end = min(at + randomly.randrange(1, 400_000), len(content))
        yield at, end
        at = end


def test_a_download_cut_at_random_and_resumed_gives_the_same_bytes(archive: Archive) -> None:
    got = bytearray()
    for start, end in pieces(archive.content, random.Random(7)):
        headers = {"Range": f"bytes={start}-", "If-Range": archive.etag}
        with archive.service.client.stream("GET", archive.path, headers=headers) as answer:
            assert answer.status_code == 206
            for piece in answer.iter_bytes(16_384):
                got += piece[: end - len(got)]
                if len(got) >= end:
                    break
    assert bytes(got) == archive.content


def test_a_download_goes_on_when_the_archive_is_removed_meanwhile(
    service: Service, origin: Origin
) -> None:
    # Larger than what the sockets on the way can hold.
    body = random.Random(9).randbytes(1_000_000) * 40
    archive_hash = service.completed(origin.put("/download/removed.bin", body))
    path = f"/archive/get/{archive_hash}.zip"
    for headers in ({"Range": "bytes=0-"}, {}):
        with service.client.stream("GET", path, headers=headers) as answer:
            chunks = answer.iter_bytes()
            received = len(next(chunks))
            if not headers:
                assert service.client.delete(f"/api/archive/{archive_hash}").status_code == 204
                time.sleep(0.2)
            received += sum(map(len, chunks))
            assert received == int(answer.headers["content-length"])
    problem(service.download(archive_hash), 410, "gone")


def test_an_archive_that_is_not_completed_is_409(service: Service, origin: Origin) -> None:
    slow = origin.put("/download/slow", b"slow" * 50_000, held_from=20_000)
    archive_hash = service.create(slow)
    problem(service.download(archive_hash), 409, "wrong-state")
    assert service.client.post(f"/api/archive/cancel/{archive_hash}").status_code == 200
    problem(service.download(archive_hash), 409, "wrong-state")


def test_the_archive_of_a_failed_job_is_409(service: Service, origin: Origin) -> None:
    archive_hash = service.create(origin.url("/download/dead"))
    assert service.outcome(archive_hash)["status"] == "failed"
    problem(service.download(archive_hash), 409, "wrong-state")


@pytest.mark.parametrize(
    "name",
    [f"{NO_JOB}.zip", NO_JOB, "x.zip", f"{'A' * 32}.zip", f"{NO_JOB}.zip.zip", "..%2f..%2fx.zip"],
)
def test_an_unknown_or_malformed_name_is_404(service: Service, name: str) -> None:
    problem(service.client.get(f"/archive/get/{name}"), 404, "not-found")
