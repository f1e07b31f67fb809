"""Faults one after another, and across restarts: one version whole, or a named failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.mixtures import played
from tests.faults.objects import ranged, send, serve, serve_until, version
from tests.faults.origin import Origin
from tests.faults.packing import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.objects import Version
    from tests.faults.origin import Exchange

    from packmule.jobs.model import Progress

SIDE_BY_SIDE = 24
SIZE = 4_000_000


@pytest.mark.parametrize("first", range(0, 4 * SIDE_BY_SIDE, SIDE_BY_SIDE))
def test_a_mixture_of_faults_ends_in_one_version_or_a_named_failure(
    first: int, tmp_path: Path
) -> None:
    seeds = range(first, first + SIDE_BY_SIDE)
    wrong = {seed: said for seed, said in played(seeds, tmp_path).items() if said != "right"}
    assert wrong == {}


def test_cuts_cost_no_byte_twice(tmp_path: Path) -> None:
    whole = version("cut-often", 3_000_000)
    step = 250_000

    def script(x: Exchange) -> None:
        serve_until(x, whole, (x.start or 0) + step)
        if (x.start or 0) + step < len(whole.data):
            x.close()

    with Origin(script) as origin:
        outcome = run([origin.url()], tmp_path / "out.zip")
    assert outcome.entries == {"0": whole.data}
    assert origin.body_bytes == len(whole.data)
    assert len(origin.asked) == len(whole.data) // step


def test_a_run_that_was_stopped_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    whole = version("stopped", SIZE)
    with Origin(lambda x: _slowly(x, whole)) as origin:
        first = run([origin.url()], tmp_path / "out.zip", stop_when=_half)
        assert first.packed.stopped
        second = run([origin.url()], tmp_path / "out.zip")
    assert second.entries == {"0": whole.data}
    starts = [start for _, start in origin.asked]
    assert starts[0] is None
    assert (starts[1] or 0) >= SIZE // 2


def test_a_run_that_was_stopped_never_joins_two_versions(tmp_path: Path) -> None:
    old, new = version("before", SIZE), version("after", SIZE)
    with Origin(lambda x: _slowly(x, old)) as origin:
        assert run([origin.url()], tmp_path / "out.zip", stop_when=_half).packed.stopped
        origin.script = lambda x: serve(x, new)
        assert run([origin.url()], tmp_path / "out.zip").entries == {"0": new.data}


def test_a_version_without_a_validator_is_begun_anew(tmp_path: Path) -> None:
    bare = version("bare", SIZE, etag=None)
    with Origin(lambda x: _slowly(x, bare)) as origin:
        assert run([origin.url()], tmp_path / "out.zip", stop_when=_half).packed.stopped
        assert run([origin.url()], tmp_path / "out.zip").entries == {"0": bare.data}
    assert [start for _, start in origin.asked] == [None, None]


def _half(progress: Progress) -> bool:
    return progress.bytes_done > SIZE // 2


def _slowly(x: Exchange, of: Version) -> None:
    """Serve in steps; the first request never to the end, so that the run is stopped before it."""
    at = ranged(x, of)
    while at < len(of.data):
        if x.number == 0 and at + 200_000 >= len(of.data):
            x.stall()
        send(x, of, at, at + 200_000)
        at += 200_000
        x.pause(0.01)
