"""One file by several transfers, over real HTTP: never a wrong byte, whatever the origin does."""

from __future__ import annotations

import random
import threading
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.origin import Origin, Request, Resource

from packmule.assembly.pack import Packed, pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.jobs.model import Compression, Source
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits
from packmule.telemetry.metrics import SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from packmule.jobs.model import Progress

MIB = 1024 * 1024
SIZE = 16 * MIB + 4321
BODY = random.Random(1).randbytes(SIZE)
OTHER = random.Random(2).randbytes(SIZE)
SLOW: dict[str, Any] = {"latency": 0.02, "rate": 8.0 * MIB}
RULES = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))


class Packer:
    """Packs into one folder, by a loop that allows a host so many transfers."""

    def __init__(self, folder: Path, per_host: int = 4) -> None:
        self.out = folder / "out.zip"
        limits = Limits(first_delay=0.05, longest_delay=0.1)
        loop = LoopSettings(transfers=8, transfers_per_host=per_host, limits=limits)
        self.resources = SharedResources(RULES, loop, AssemblyLimits(min_free_bytes=0))

    def pack(
        self,
        *urls: str,
        stop: threading.Event | None = None,
        watch: Callable[[Progress], None] | None = None,
        compression: Compression = Compression.STORE,
    ) -> Packed:
        """Pack these links."""
        sources = [Source(n, url, f"{n}.bin") for n, url in enumerate(urls)]
        return pack(
            sources, self.out, self.resources, stop or threading.Event(),
            compression=compression, watch=watch, interval=0.05,
        )  # fmt: skip

    def contents(self) -> list[bytes]:
        """Give the files of the archive in their order."""
        with zipfile.ZipFile(self.out) as archive:
            return [archive.read(name) for name in archive.namelist()]


@pytest.fixture
def packer(tmp_path: Path) -> Iterator[Packer]:
    made = Packer(tmp_path)
    yield made
    made.resources.close()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as made:
        yield made


def ended(outcome: str) -> float:
    """Tell how many transfers of segments have ended so."""
    return float(dict(SEGMENTS.values())[(outcome,)])


def is_part(request: Request) -> bool:
    return "Range" in request.headers


def parts_of(origin: Origin, path: str) -> list[range]:
    """Give the ranges that were asked for."""
    found = []
    for text in origin.ranges_for(path):
        if text is not None:
            first, _, last = text.removeprefix("bytes=").partition("-")
            found.append(range(int(first), int(last) + 1))
    return found


def test_a_large_file_comes_by_several_transfers(origin: Origin, packer: Packer) -> None:
    url = origin.put("/big", BODY, **SLOW)
    filled = ended("filled")
    assert packer.pack(url).files == 1
    assert packer.contents() == [BODY]
    assert origin.most_open["/big"] >= 2
    assert ended("filled") >= filled + 2
    asked = origin.requests_for("/big")
    assert [is_part(request) for request in asked[:3]] == [False, True, True]
    assert all(request.headers["If-Range"] for request in asked[1:])


def test_never_more_than_the_host_may_get(origin: Origin, tmp_path: Path) -> None:
    packer = Packer(tmp_path, per_host=2)
    open_then: list[int] = []

    def note(_request: Request) -> None:
        # Not what the origin counts: it notices late that a connection has been closed.
        open_then.append(packer.resources.loop.in_work())

    url = origin.put("/big", BODY, **SLOW, instead=note)
    packer.pack(url)
    packer.resources.close()
    assert packer.contents() == [BODY]
    assert max(open_then) == 2


def test_a_file_that_waits_comes_first(origin: Origin, tmp_path: Path) -> None:
    packer = Packer(tmp_path, per_host=2)
    url = origin.put("/big", BODY, latency=0.02, rate=2.0 * MIB)
    others = [origin.put(f"/{n}", BODY[:300_000], latency=0.1) for n in range(6)]
    packer.pack(url, *others)
    packer.resources.close()
    assert packer.contents() == [BODY] + 6 * [BODY[:300_000]]
    first_part = next(n for n, request in enumerate(origin.requests) if is_part(request))
    before = [request.path for request in origin.requests[:first_part]]
    assert sorted(before) == ["/0", "/1", "/2", "/3", "/4", "/5", "/big"]


def test_a_transfer_of_a_segment_gives_way_to_a_file_that_comes_later(
    origin: Origin, tmp_path: Path
) -> None:
    packer = Packer(tmp_path, per_host=2)
    second = Packer(tmp_path / "second", per_host=2)
    second.out.parent.mkdir()
    second.resources.close()
    second.resources = packer.resources
    url = origin.put("/big", BODY, latency=0.02, rate=1.0 * MIB)
    late = origin.put("/late", BODY[:300_000])
    results: list[Packed] = []
    thread = threading.Thread(target=lambda: results.append(packer.pack(url)))
    thread.start()
    while origin.open["/big"] < 2:
        time.sleep(0.01)
    stopped = ended("stopped")
    assert second.pack(late).files == 1
    assert ended("stopped") == stopped + 1
    origin.resources["/big"].rate = None
    thread.join(60)
    assert results[0].files == 1
    assert packer.contents() == [BODY]
    packer.resources.close()


WHOLE = Resource(BODY, ranges=False, rate=8.0 * MIB)
CHANGED = Resource(OTHER, etag='"other"', rate=8.0 * MIB)
UNSATISFIABLE = Resource(b"", 416, {"Content-Range": f"bytes */{SIZE}"})


def lies(start: int, total: int, body: bytes, **more: Any) -> Resource:
    """Give a part that is not what it was asked for."""
    fields = {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{total}"}
    return Resource(body, 206, fields, **more)


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        CHANGED,
        UNSATISFIABLE,
        lies(0, SIZE, OTHER[:5000]),
        lies(8 * MIB, SIZE + 1, OTHER[:5000]),
        Resource(b"no", 403),
        Resource(b"no", 404),
        Resource(b"", 204),
    ],
    ids=["whole", "changed", "416", "elsewhere", "another-total", "403", "404", "204"],
)
def test_where_ranges_do_not_work_the_first_transfer_brings_all(
    origin: Origin, packer: Packer, answer: Resource
) -> None:
    url = origin.put("/big", BODY, **SLOW, instead=lambda r: answer if is_part(r) else None)
    packed = packer.pack(url)
    assert (packed.files, packed.failed) == (1, ())
    assert packer.contents() == [BODY]
    # The first one was never begun again, and nobody insisted.
    assert origin.ranges_for("/big").count(None) == 1
    assert len(origin.requests) <= 4
    if answer in (WHOLE, CHANGED, UNSATISFIABLE):
        again = origin.put("/again", BODY, **SLOW)
        packer.pack(again)
        assert origin.ranges_for("/again") == [None]


@pytest.mark.parametrize("status", [503, 429, 0], ids=["503", "429", "reset"])
def test_a_host_that_bears_two_connections_gets_two(
    origin: Origin, packer: Packer, status: int
) -> None:
    def at_most_two(_request: Request) -> Resource | None:
        return Resource(b"", status) if origin.open["/big"] > 2 else None

    url = origin.put("/big", BODY, **SLOW, instead=at_most_two)
    packed = packer.pack(url)
    assert (packed.files, packed.failed) == (1, ())
    assert packer.contents() == [BODY]
    assert origin.ranges_for("/big").count(None) == 1


def test_what_a_broken_transfer_has_brought_is_kept(origin: Origin, packer: Packer) -> None:
    cut: list[Request] = []

    def break_once(request: Request) -> Resource | None:
        if not is_part(request) or cut:
            return None
        cut.append(request)
        start = int(request.headers["Range"].removeprefix("bytes=").partition("-")[0])
        return Resource(BODY, etag=origin.resources["/big"].etag, cut_at=start + 2 * MIB)

    url = origin.put("/big", BODY, **SLOW, instead=break_once)
    packer.pack(url)
    assert packer.contents() == [BODY]
    start = int(cut[0].headers["Range"].removeprefix("bytes=").partition("-")[0])
    assert any(start + MIB <= part.start <= start + 2 * MIB for part in parts_of(origin, "/big"))


def test_the_first_transfer_may_break_while_others_go_on(origin: Origin, packer: Packer) -> None:
    def break_first(request: Request) -> Resource | None:
        if is_part(request):
            return None
        return Resource(BODY, etag=origin.resources["/big"].etag, cut_at=3 * MIB, **SLOW)

    url = origin.put("/big", BODY, **SLOW, instead=break_first)
    packed = packer.pack(url)
    assert packed.failed == ()
    assert packer.contents() == [BODY]
    assert origin.ranges_for("/big").count(None) == 1


def test_the_other_version_comes_whole_where_the_first_transfer_breaks_as_well(
    origin: Origin, packer: Packer
) -> None:
    """No splice: what the segments have is dropped when the file turns out to be another one."""
    old = Resource(BODY, etag='"old"', cut_at=3 * MIB, **SLOW)
    began: list[Request] = []

    def change(request: Request) -> Resource | None:
        began.append(request)
        return old if len(began) == 1 else None

    url = origin.put("/big", OTHER, etag='"new"', **SLOW, instead=change)
    assert packer.pack(url).failed == ()
    assert packer.contents() == [OTHER]


def test_a_run_that_is_stopped_goes_on_with_every_segment(origin: Origin, packer: Packer) -> None:
    url = origin.put("/big", BODY, **SLOW)
    stop = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.bytes_done > 6 * MIB:
            stop.set()

    assert packer.pack(url, stop=stop, watch=watch).stopped
    asked = len(parts_of(origin, "/big"))
    packer.pack(url)
    assert packer.contents() == [BODY]
    again = parts_of(origin, "/big")[asked:]
    assert origin.ranges_for("/big").count(None) == 1
    assert sum(len(part) for part in again if part.start) < SIZE - 4 * MIB


@pytest.mark.parametrize(
    "more",
    [
        {"etag": None, "modified_at": None},
        {"etag": 'W/"weak"', "modified_at": None},
        {"announced": False},
        {"ranges": False},
    ],
    ids=["no-validator", "weak", "no-length", "no-ranges"],
)
def test_what_cannot_be_told_to_be_one_version_comes_in_order(
    origin: Origin, packer: Packer, more: dict[str, Any]
) -> None:
    url = origin.put("/big", BODY, latency=0.02, **more)
    packer.pack(url)
    assert packer.contents() == [BODY]
    assert origin.ranges_for("/big") == [None]


def test_what_is_compressed_comes_in_order(origin: Origin, packer: Packer) -> None:
    text = b"one line like all the others\n" * (SIZE // 29)
    url = origin.put("/big.txt", text, latency=0.02, headers={"Content-Type": "text/plain"})
    packer.pack(url, compression=Compression.DEFLATE)
    assert packer.contents() == [text]
    assert origin.ranges_for("/big.txt") == [None]


def test_a_file_that_one_connection_brings_at_once_is_left_alone(
    origin: Origin, packer: Packer
) -> None:
    url = origin.put("/big", BODY)
    packer.pack(url)
    assert packer.contents() == [BODY]
    assert origin.ranges_for("/big") == [None]
