"""Several transfers receive one archive: together, in any order, whatever becomes of each."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.stage import Body, Stage
from tests.unit.client.test_downloading import CUT, HASH, Archive, a_request, download

from packmule.client import ClientError, ConnectionError, arrival
from packmule.client.part_file import PartFile
from packmule.client.steps import ApiResponse, NetworkFault
from packmule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.stage import Answer

    from packmule.client.steps import ApiRequest

CONTENT = random.Random(5).randbytes(800)
BUSY = ApiResponse(503, {}, b"{}")


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "LEAST_SEGMENT", 20)


def asked(stage: Stage) -> list[str | None]:
    return [each.headers.get("Range") for each in stage.asked]


def lead_first(count: int) -> int:
    """Give every turn to the transfer that leads, while it has any left."""
    return count - 1


def helpers_first() -> Callable[[int], int]:
    """Give a turn to each helper, one after another, and none to the one that leads."""
    return lambda _: 0


def test_eight_transfers_receive_an_eighth_each(tmp_path: Path) -> None:
    stage = Stage(Archive(CONTENT), next_turn=helpers_first())
    done = download(stage, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert (done.size, done.kept) == (800, 0)
    parts = {*(f"bytes={at}-{at + 99}" for at in range(100, 700, 100)), "bytes=700-"}
    assert asked(stage)[0] is None
    assert set(asked(stage)[1:8]) == parts
    assert {each.headers["If-Range"] for each in stage.asked[1:]} == {'"a"'}


def test_one_connection_requests_everything_once(tmp_path: Path) -> None:
    stage = Stage(Archive(CONTENT))
    download(stage, tmp_path / "a.zip", connections=1)
    assert asked(stage) == [None]


def test_no_connection_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        download(Stage(Archive(CONTENT)), tmp_path / "a.zip", connections=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "archive",
    [
        Archive(CONTENT, etag=None),
        Archive(CONTENT, etag='W/"a"'),
        Archive(CONTENT, more={"accept-ranges": "none"}),
        Archive(CONTENT[:39]),
    ],
)
def test_where_parts_may_not_be_sent_or_do_not_pay_there_is_one_request(
    tmp_path: Path, archive: Archive
) -> None:
    stage = Stage(archive)
    download(stage, tmp_path / "a.zip")
    assert asked(stage) == [None]
    assert (tmp_path / "a.zip").read_bytes() == archive.content


@pytest.mark.parametrize(
    "refusal",
    [
        BUSY,
        ApiResponse(429, {"retry-after": "900"}, b"{}"),
        ApiResponse(404, {}, b"{}"),
        ApiResponse(416, {"content-range": "bytes */3"}, b"{}"),
        NetworkFault("refused", sent=False),
        Body(ApiResponse(200, {"content-type": "text/html"}), (b"login",)),
        Body(ApiResponse(200, {"content-length": "3", "etag": '"b"'}), (b"new",)),
        Body(ApiResponse(206, {"content-range": "bytes 0-9/800", "etag": '"a"'}), (b"?" * 10,)),
        Body(ApiResponse(200, {"content-length": "800", "etag": '"a"'}), (CONTENT,)),
    ],
)
def test_helpers_that_get_nothing_leave_all_to_the_one_that_leads(
    tmp_path: Path, refusal: Answer
) -> None:
    archive = Archive(CONTENT)

    def answer(request: ApiRequest) -> Answer:
        # Only one transfer is served at a time.
        helper = len(stage.asked) in range(2, 9)
        return refusal if helper else archive(request)

    stage = Stage(answer)
    assert download(stage, tmp_path / "a.zip").size == 800
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert stage.pauses == []


def test_an_idle_transfer_takes_over_half_of_what_is_left(tmp_path: Path) -> None:
    stage = Stage(Archive(CONTENT), next_turn=helpers_first())
    download(stage, tmp_path / "a.zip", connections=2)
    assert asked(stage)[:4] == [None, "bytes=400-", "bytes=200-399", "bytes=100-199"]
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_whoever_was_taken_over_stops_where_the_other_began(tmp_path: Path) -> None:
    stage = Stage(Archive(CONTENT), next_turn=lead_first)
    told: list[tuple[int, int]] = []
    download(stage, tmp_path / "a.zip", on_bytes=lambda *far: told.append(far))
    assert [far for far, _ in told] == sorted({far for far, _ in told})
    assert told[-1] == (800, 800)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_helper_that_was_cut_goes_on_where_it_was(tmp_path: Path) -> None:
    stage = Stage(Archive(CONTENT, cut_after=60))
    download(stage, tmp_path / "a.zip", connections=2)
    assert asked(stage)[1:4] == ["bytes=400-", "bytes=460-", "bytes=520-"]
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_the_next_run_requests_only_what_is_missing(tmp_path: Path) -> None:
    served = iter([Archive(CONTENT, cut_after=7), *[Archive(CONTENT, cut_after=50)] * 3])

    def answer(request: ApiRequest) -> Answer:
        archive = next(served, None)
        return archive(request) if archive else NetworkFault("away", sent=False)

    with pytest.raises(ConnectionError):
        download(Stage(answer), tmp_path / "a.zip")
    part = PartFile(tmp_path / "a.zip", HASH)
    part.open(resume=True)
    part.close()
    held = part.held
    assert len(held.ranges) > 1
    again = Stage(Archive(CONTENT))
    assert download(again, tmp_path / "a.zip").kept == held.count
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    first_bytes = {int((each or "bytes=0-").removeprefix("bytes=").split("-")[0])
                   for each in asked(again)}  # fmt: skip
    assert not any(start <= at < end for at in first_bytes for start, end in held.ranges)


def test_what_has_arrived_is_recorded_every_second(tmp_path: Path) -> None:
    recorded: list[tuple[int, int]] = []

    def look(received: int, _: int) -> None:
        stage.clock += 0.3
        part = PartFile(tmp_path / "b.zip", HASH)
        for name in ("", ".version"):
            Path(f"{tmp_path}/b.zip.part{name}").write_bytes(
                Path(f"{tmp_path}/a.zip.part{name}").read_bytes()
            )
        part.open(resume=True)
        part.close()
        recorded.append((received, part.held.count))

    stage = Stage(Archive(CONTENT[:140]))
    download(stage, tmp_path / "a.zip", on_bytes=look)
    assert len(recorded) > 15
    # A piece has 7 bytes and takes 0.3 seconds.
    assert all(0 <= received - held <= 7 * 4 for received, held in recorded)


def test_a_disk_that_fails_a_helper_ends_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_part: PartFile, at: int, _piece: bytes) -> None:
        if at >= 400:
            raise OSError("no space")

    monkeypatch.setattr(PartFile, "write", broken)
    with pytest.raises(OSError, match="no space"):
        download(Stage(Archive(CONTENT)), tmp_path / "a.zip", connections=2)


def test_a_request_for_all_is_like_one_of_the_first_run() -> None:
    assert a_request().headers == {}


# --- whatever comes ----------------------------------------------------------------------------

VERSIONS = {'"a"': CONTENT, '"b"': random.Random(6).randbytes(700)}
HONEST = st.tuples(st.sampled_from(sorted(VERSIONS)), st.none() | st.integers(0, 300))
TROUBLE = st.sampled_from(
    [
        NetworkFault("refused", sent=False),
        CUT,
        BUSY,
        ApiResponse(416, {}, b""),
        Body(ApiResponse(206, {"content-range": "bytes 0-99/800", "etag": '"a"'}), (b"?" * 100,)),
        Body(ApiResponse(200, {"content-type": "text/html", "content-length": "4"}), (b"page",)),
    ]
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


@given(
    st.lists(HONEST | TROUBLE, max_size=30),
    st.integers(),
    st.integers(1, 3),
    st.integers(1, 8),
)
def test_whatever_comes_in_whatever_order_the_file_is_one_version_or_not_there(
    folder: Path, events: list[Any], seed: int, runs: int, connections: int
) -> None:
    left, chance = list(events), random.Random(seed)

    def answer(request: ApiRequest) -> Answer:
        event = left.pop(0) if left else ('"a"', None)
        if not isinstance(event, tuple):
            found: Answer = event
            return found
        etag, cut_after = event
        return Archive(VERSIONS[etag], etag, cut_after)(request)

    with TemporaryDirectory(dir=folder) as name:
        path = Path(name, "a.zip")
        for _ in range(runs):
            stage = Stage(answer, next_turn=chance.randrange)
            try:
                done = download(stage, path, connections=connections)
            except ClientError:
                assert not path.exists()
                continue
            assert path.read_bytes() == VERSIONS[done.etag or ""]
            assert [each.name for each in Path(name).iterdir()] == ["a.zip"]
            break
