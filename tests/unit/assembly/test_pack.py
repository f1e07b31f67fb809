"""Packing without a server: whatever came before, a rerun ends in the right archive."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from tests.fakes.crashes import Crash, Kind
from tests.unit.assembly.packing_bench import Bench

from packmule.errors import FailureCode, UsageError
from packmule.jobs.model import OnError, OnHtml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = ("small.bin", "placed.bin", "large.bin", "kept.bin")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def killed_at(bench: Bench, at: int) -> Crash:
    return Crash(bench.folder, Kind.KILL, [at], random.Random(at))


@pytest.mark.parametrize("at", range(14))
def test_another_request_into_the_same_archive_begins_anew_wherever_it_is_killed(
    bench: Bench, at: int
) -> None:
    first, other = bench.sources(*FILES), bench.sources("large.bin", "placed.bin", "empty.bin")
    bench.interrupt(first, "large.bin")
    bench.hold("placed.bin", 290_000)
    bench.pack(other, stop_after=3, crash=killed_at(bench, at))
    bench.release()
    packed = bench.pack(first)
    assert packed.size is not None
    bench.check(first)


@pytest.mark.parametrize("length", [None, 0, 150_000, 400_000])
def test_what_was_lost_of_the_part_is_fetched_again_after_each_further_interruption(
    bench: Bench, length: int | None
) -> None:
    sources = bench.sources(*FILES)
    bench.interrupt(sources, "large.bin")
    if length is None:
        bench.part.unlink()
    else:
        bench.part.write_bytes(bench.part.read_bytes()[:length])
    bench.hold("small.bin", 50)
    bench.interrupt(sources, "placed.bin", "large.bin")
    assert bench.pack(sources).size is not None
    bench.check(sources)


def test_a_kill_before_the_journal_is_removed_does_no_harm_to_the_next_archive(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = bench.sources(*FILES)
    with monkeypatch.context() as patch:
        patch.setattr("packmule.assembly.pack.Journal.remove", lambda _: None)
        bench.pack(sources)
    assert bench.journal.exists()
    bench.interrupt(sources, "placed.bin")
    assert bench.pack(sources).size is not None
    bench.check(sources)


def test_a_page_kept_by_a_run_that_reports_is_fetched_again_by_one_that_refuses(
    bench: Bench,
) -> None:
    sources = bench.sources("film.mp4", "large.bin")
    bench.interrupt(sources, "large.bin")
    packed = bench.pack(sources, on_html=OnHtml.FAIL)
    assert packed.size is None
    assert [one.failure.code for one in packed.failed] == [FailureCode.HTML_PAGE]
    packed = bench.pack(sources, on_html=OnHtml.FAIL, on_error=OnError.SKIP)
    assert packed.size is not None
    bench.check(sources, without=["film.mp4"])


def test_nothing_is_left_beside_a_finished_archive(bench: Bench) -> None:
    sources = bench.sources("gone.bin", *FILES)
    bench.part.with_name("out.zip.part.closed").write_bytes(b"of a killed run")
    bench.interrupt(sources, "large.bin")
    assert bench.pack(sources, on_error=OnError.SKIP).size is not None
    bench.check(sources, without=["gone.bin"])
    assert [path.name for path in bench.folder.iterdir()] == ["out.zip"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to nothing", "device"])
def test_what_is_no_file_is_not_replaced_and_nothing_is_fetched(bench: Bench, kind: str) -> None:
    match kind:
        case "folder":
            bench.out.mkdir()
        case "pipe":
            os.mkfifo(bench.out)
        case "device":
            bench.out.symlink_to("/dev/null")
        case _:
            bench.out.symlink_to(bench.folder / "nothing")
    with pytest.raises(UsageError, match="not a regular file"):
        bench.pack(bench.sources(*FILES))
    assert [path.name for path in bench.folder.iterdir()] == ["out.zip"]
    assert not bench.origin.requests


@pytest.mark.parametrize("name", ["out.zip.part", "out.zip.part.journal"])
def test_a_file_that_is_not_from_an_interrupted_run_stays(bench: Bench, name: str) -> None:
    foreign = bench.folder / name
    foreign.write_bytes(b"precious")
    with pytest.raises(UsageError, match="is in the way"):
        bench.pack(bench.sources(*FILES))
    assert foreign.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "name", ["out.zip.part", "out.zip.part.journal", "out.zip.part.journal.new"]
)
def test_symbolic_links_beside_the_archive_are_not_followed(bench: Bench, name: str) -> None:
    precious = bench.folder / "precious"
    precious.write_bytes(b"")
    (bench.folder / name).symlink_to(precious)
    with suppress(UsageError):
        bench.pack(bench.sources(*FILES))
    assert precious.read_bytes() == b""


def test_a_file_that_appears_meanwhile_is_not_replaced_unless_that_is_asked(bench: Bench) -> None:
    sources = bench.sources(*FILES)
    bench.out.write_bytes(b"precious")
    with pytest.raises(UsageError, match="created meanwhile"):
        bench.pack(sources, replace=False)
    assert bench.out.read_bytes() == b"precious"
    assert bench.pack(sources).resumed == len(FILES)
    bench.check(sources)


@pytest.mark.parametrize("suffix", [".part", ".part.closed"])
def test_an_archive_that_a_kill_left_with_both_names_is_never_written_to(
    bench: Bench, suffix: str
) -> None:
    bench.out.write_bytes(b"precious")
    bench.out.with_name(f"out.zip{suffix}").hardlink_to(bench.out)
    with bench.out.open("rb") as precious:
        bench.pack(bench.sources("gone.bin", *FILES), on_error=OnError.SKIP)
        assert precious.read() == b"precious"
