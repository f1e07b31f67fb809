"""A download through every trouble ends with one version whole, or with an error."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.stage import Body, Stage, document

from packmule.client import downloading, fetching
from packmule.client.errors import (
    APIStatusError,
    ClientError,
    ConnectionError,
    DownloadFailed,
    InvalidResponseError,
    NotCompleted,
)
from packmule.client.operations import REQUEST_TIMEOUT, RETRY_TIMEOUT
from packmule.client.steps import ApiResponse, NetworkFault

if TYPE_CHECKING:
    from tests.fakes.stage import Answer

    from packmule.client.steps import ApiRequest
    from packmule.client.values import Downloaded

HASH = "0123456789abcdef0123456789abcdef"
CUT = NetworkFault("cut")


@dataclass(slots=True)
class Archive:
    """A well-behaved server's archive, as RFC 9110 has it; `cut_after` bytes an answer."""

    content: bytes
    etag: str | None = '"a"'
    cut_after: int | None = None
    more: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: ApiRequest) -> Answer:
        """Answer a request."""
        start = 0
        asked = request.headers.get("Range")
        named = {"content-type": "application/zip", "accept-ranges": "bytes"} | self.more
        if self.etag is not None:
            named["etag"] = self.etag
        size = size_sent = len(self.content)
        if asked is not None and request.headers["If-Range"] == self.etag:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, size_sent = int(first), int(last or size - 1) + 1
            if start >= size:
                return ApiResponse(416, {"content-range": f"bytes */{size}"}, b"{}")
            named["content-range"] = f"bytes {start}-{size_sent - 1}/{size}"
        body = self.content[start:size_sent]
        named["content-length"] = str(len(body))
        head = ApiResponse(206 if "content-range" in named else 200, named)
        if self.cut_after is None or len(body) <= self.cut_after:
            return Body(head, tuple(body[at : at + 7] for at in range(0, len(body), 7)))
        return Body(head, (body[: self.cut_after],), CUT)


def download(stage: Stage, path: Path, **more: Any) -> Downloaded:
    options = {"resume": True, "replace": True, "connections": 8, "on_bytes": None} | more
    return stage.play(downloading.download(stage.context(), HASH, path, **options))


def test_an_archive_comes_whole_and_how_far_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    stage = Stage(Archive(b"0123456789"))
    done = download(stage, tmp_path / "a.zip", on_bytes=lambda *far: told.append(far))
    assert (done.size, done.kept, done.etag) == (10, 0, '"a"')
    assert told == [(7, 10), (10, 10)]
    assert (tmp_path / "a.zip").read_bytes() == b"0123456789"


def test_cut_again_and_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(100)
    stage = Stage(Archive(content, cut_after=9))
    assert download(stage, tmp_path / "a.zip").size == 100
    assert (tmp_path / "a.zip").read_bytes() == content
    asked = [each.headers.get("Range") for each in stage.asked]
    assert asked == [None, *(f"bytes={at}-" for at in range(9, 100, 9))]


def test_a_run_that_ended_is_gone_on_with_by_the_next(tmp_path: Path) -> None:
    content = b"0123456789"
    first = Stage.of([Archive(content, cut_after=4)(a_request()), NetworkFault("away", sent=False)])
    with pytest.raises(ConnectionError):
        download(first, tmp_path / "a.zip")
    second = Stage(Archive(content))
    done = download(second, tmp_path / "a.zip")
    assert (done.size, done.kept) == (10, 4)
    assert [each.headers.get("Range") for each in second.asked] == ["bytes=4-"]


def a_request() -> Any:
    from packmule.client import requests  # noqa: PLC0415

    return requests.download(requests.Target(HASH), {}, timeout=1.0)


def left_whole(path: Path, content: bytes, etag: str = '"a"') -> None:
    """Leave what a run leaves that was killed just before the archive got its name."""
    Path(f"{path}.part").write_bytes(content)
    record = {"hash": HASH, "size": len(content), "etag": etag, "held": [[0, len(content)]]}
    Path(f"{path}.part.version").write_bytes(document(record).body)


def test_a_part_left_whole_costs_its_last_byte(tmp_path: Path) -> None:
    left_whole(tmp_path / "a.zip", b"0123")
    stage = Stage(Archive(b"0123"))
    assert download(stage, tmp_path / "a.zip").kept == 3
    assert [each.headers.get("Range") for each in stage.asked] == ["bytes=3-"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_part_left_whole_is_not_believed_if_the_archive_has_changed(tmp_path: Path) -> None:
    left_whole(tmp_path / "a.zip", b"old!")
    done = download(Stage(Archive(b"new archive", '"b"')), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == b"new archive"
    assert (done.size, done.kept, done.etag) == (11, 0, '"b"')


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_part_left_whole_gets_no_name_if_the_archive_is_refused(
    tmp_path: Path, status: int
) -> None:
    left_whole(tmp_path / "a.zip", b"0123")
    with pytest.raises(APIStatusError):
        download(Stage.of([document({"code": "no", "detail": "no"}, status)]), tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    assert (tmp_path / "a.zip.part").read_bytes() == b"0123"


def test_bytes_that_had_to_be_fetched_again_do_not_count_as_kept(tmp_path: Path) -> None:
    first = Stage.of(
        [Archive(b"0123456789", cut_after=4)(a_request()), NetworkFault("away", sent=False)]
    )
    with pytest.raises(ConnectionError):
        download(first, tmp_path / "a.zip")
    done = download(Stage(Archive(b"0123456789", etag=None)), tmp_path / "a.zip")
    assert (done.size, done.kept) == (10, 0)


def test_a_refused_download_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(APIStatusError):
        download(Stage.of([document({"code": "no", "detail": "no"}, 404)]), tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "media_type",
    ["text/html", "application/json; charset=utf-8", "application/problem+json", "application/xml",
     "application/xhtml+xml", "TEXT/plain"],
)  # fmt: skip
def test_a_page_or_a_document_is_not_taken_for_the_archive(tmp_path: Path, media_type: str) -> None:
    stage = Stage(Archive(b"not a ZIP", more={"content-type": media_type}))
    with pytest.raises(InvalidResponseError):
        download(stage, tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_body_longer_than_announced_is_not_taken_up_by_the_next_run(tmp_path: Path) -> None:
    head = ApiResponse(200, {"content-length": "4", "etag": '"a"'})
    with pytest.raises(DownloadFailed):
        download(Stage(lambda _: Body(head, (b"0123", b"4567"))), tmp_path / "a.zip")
    stage = Stage(Archive(b"01234567"))
    assert download(stage, tmp_path / "a.zip").kept == 0
    assert [each.headers.get("Range") for each in stage.asked] == [None]


def test_a_changed_archive_is_begun_anew_and_never_joined(tmp_path: Path) -> None:
    old, new = b"old" * 10, b"new" * 12
    stage = Stage.through(Archive(old, cut_after=20), Archive(new, '"b"'))
    assert download(stage, tmp_path / "a.zip").etag == '"b"'
    assert (tmp_path / "a.zip").read_bytes() == new


@pytest.mark.parametrize(
    "wrong",
    [
        ApiResponse(416, {"content-range": "bytes */2"}, b"{}"),
        Body(ApiResponse(206, {"content-range": "bytes 0-9/10", "etag": '"a"'}), (b"XXXXXXXXXX",)),
        Body(ApiResponse(206, {"content-range": "bytes 4-9/10", "etag": '"z"'}), (b"XXXXXX",)),
    ],
)
def test_a_part_that_cannot_be_right_is_asked_for_as_a_whole(tmp_path: Path, wrong: Answer) -> None:
    good = Archive(b"0123456789")
    stage = Stage.through(Archive(b"0123456789", cut_after=4), lambda _: wrong, good)
    download(stage, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == b"0123456789"
    assert [each.headers.get("Range") for each in stage.asked] == [None, "bytes=4-", None]


def test_a_page_in_between_costs_nothing_of_what_has_come(tmp_path: Path) -> None:
    page = Body(ApiResponse(200, {"content-type": "text/html", "content-length": "5"}), (b"login",))
    stage = Stage.through(
        Archive(b"0123456789", cut_after=4), lambda _: page, Archive(b"0123456789")
    )
    download(stage, tmp_path / "a.zip")
    assert [each.headers.get("Range") for each in stage.asked] == [None, "bytes=4-", "bytes=4-"]


def test_a_body_that_ends_early_without_a_word_is_gone_on_with(tmp_path: Path) -> None:
    head = ApiResponse(200, {"content-length": "10", "etag": '"a"'})
    stage = Stage.through(lambda _: Body(head, (b"0123",)), Archive(b"0123456789"))
    download(stage, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == b"0123456789"


def test_a_body_that_is_too_long_is_not_believed(tmp_path: Path) -> None:
    head = ApiResponse(200, {"content-length": "4", "etag": '"a"'})
    stage = Stage(lambda _: Body(head, (b"0123", b"4567")))
    with pytest.raises(DownloadFailed):
        download(stage, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_what_cannot_be_gone_on_with_is_not_begun_without_end(tmp_path: Path) -> None:
    stage = Stage(Archive(b"x" * 50, etag=None, cut_after=20))
    with pytest.raises(DownloadFailed, match="started over"):
        download(stage, tmp_path / "a.zip")
    assert len(stage.asked) == 6


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not-found"), (409, "wrong-state"), (410, "gone")]
)
def test_a_refusal_ends_it_and_keeps_what_has_come(tmp_path: Path, status: int, code: str) -> None:
    refusal = document({"code": code, "detail": "no"}, status)
    stage = Stage.through(Archive(b"0123456789", cut_after=4), lambda _: refusal)
    with pytest.raises(APIStatusError) as refused:
        download(stage, tmp_path / "a.zip")
    assert refused.value.code == code
    assert (tmp_path / "a.zip.part").read_bytes() == b"0123"


def test_a_server_that_was_never_there_is_given_up_soon(tmp_path: Path) -> None:
    stage = Stage(lambda _: NetworkFault("refused", sent=False))
    with pytest.raises(ConnectionError):
        download(stage, tmp_path / "a.zip")
    assert stage.clock <= REQUEST_TIMEOUT


def test_a_server_that_goes_away_in_the_middle_is_borne_for_minutes(tmp_path: Path) -> None:
    stage = Stage.of([Archive(b"0123456789", cut_after=4)(a_request()), NetworkFault("refused")])
    with pytest.raises(ConnectionError):
        download(stage, tmp_path / "a.zip")
    assert RETRY_TIMEOUT * 0.8 < stage.clock <= RETRY_TIMEOUT


COMPLETED = {
    "status": "completed", "url": "http://x/a.zip", "size": 10,
    "expires_at": "2026-03-01T12:30:15Z", "missing": [],
}  # fmt: skip


def fetch(stage: Stage, path: Path) -> Downloaded:
    return stage.play(
        fetching.fetch(
            stage.context(),
            HASH,
            path,
            resume=True,
            replace=True,
            timeout=None,
            connections=8,
            on_progress=None,
            on_bytes=None,
        )
    )


def test_fetch_waits_and_downloads_as_many_bytes_as_the_status_tells(tmp_path: Path) -> None:
    archive = Archive(b"0123456789")
    stage = Stage(lambda r: document(COMPLETED) if "status" in r.path else archive(r))
    assert fetch(stage, tmp_path / "a.zip").size == 10
    archive.content = b"another length"
    with pytest.raises(InvalidResponseError, match="14 bytes"):
        fetch(stage, tmp_path / "b.zip")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"status": "failed", "error": {"code": "disk-full", "detail": "no room"}}, "no room"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "expired"}, "expired"),
    ],
)
def test_fetch_tells_why_there_is_no_archive(tmp_path: Path, status: Any, said: str) -> None:
    with pytest.raises(NotCompleted, match=said) as ended:
        fetch(Stage.of([document(status)]), tmp_path / "a.zip")
    assert ended.value.status.document == status


def test_fetch_looks_at_the_path_before_it_waits(tmp_path: Path) -> None:
    stage = Stage.of([document({"status": "cancelled"})])
    with pytest.raises(Exception, match="does not exist"):
        fetch(stage, tmp_path / "none/a.zip")
    assert stage.asked == []


# --- whatever comes ----------------------------------------------------------------------------

CONTENTS = {'"a"': bytes(range(40)), '"b"': bytes(range(100, 150)), '"c"': b"c" * 40}
HONEST = st.tuples(st.sampled_from(sorted(CONTENTS)), st.none() | st.integers(0, 30))
TROUBLE = st.sampled_from(
    [
        NetworkFault("refused", sent=False),
        CUT,
        ApiResponse(503, {"retry-after": "1"}, b"{}"),
        ApiResponse(502, {}, b"<html>"),
        ApiResponse(416, {}, b""),
        Body(ApiResponse(200, {"content-type": "text/html", "content-length": "4"}), (b"page",)),
        Body(ApiResponse(206, {"content-range": "bytes 0-39/40", "etag": '"a"'}), (b"?" * 40,)),
        Body(ApiResponse(206, {"content-range": "bytes 5-39/40", "etag": '"b"'}), (b"?" * 35,)),
        Body(ApiResponse(200, {"content-encoding": "gzip", "content-length": "9"}), (b"?" * 9,)),
    ]
)


@given(st.lists(HONEST | TROUBLE, max_size=25), st.integers(1, 4))
def test_whatever_comes_the_file_is_one_version_or_not_there(events: list[Any], runs: int) -> None:
    left = list(events)

    def answer(request: ApiRequest) -> Answer:
        event = left.pop(0) if left else ('"a"', None)
        if not isinstance(event, tuple):
            found: Answer = event
            return found
        etag, cut_after = event
        return Archive(CONTENTS[etag], etag, cut_after)(request)

    with TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        for _ in range(runs):
            stage = Stage(answer)
            try:
                done = download(stage, path)
            except ClientError:
                assert not path.exists()
                continue
            assert path.read_bytes() == CONTENTS[done.etag or ""]
            assert [each.name for each in Path(folder).iterdir()] == ["a.zip"]
            break
