"""The rate of a job: it follows what comes, and is 0 where nothing can be said."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.resources import FakeResources, Try, body, head

from packmule.assembly.assembly import Assembly
from packmule.assembly.pace import STANDS_AFTER, Pace
from packmule.jobs.model import DoneEntry, OpenEntry, Remembered, Source

if TYPE_CHECKING:
    from pathlib import Path

MB = 1_000_000


def rates(*counts: int, every: float = 1.0) -> list[float]:
    """Give the rate at each look, `every` so many seconds."""
    pace = Pace()
    return [pace.at(count, 1000.0 + at * every) for at, count in enumerate(counts)]


def test_before_a_second_look_nothing_is_known() -> None:
    assert rates(0) == [0.0]
    assert rates(5 * MB) == [0.0]


def test_a_steady_pace_is_told_as_it_is() -> None:
    assert rates(*range(0, 20 * MB, MB))[1:] == pytest.approx([MB] * 19)


def test_what_was_there_before_a_resumed_job_began_counts_for_nothing() -> None:
    assert rates(900 * MB, 901 * MB, 902 * MB) == pytest.approx([0.0, MB, MB])


def test_a_change_is_followed_within_seconds_and_without_a_jump() -> None:
    found = rates(*range(0, 10 * MB, MB), *range(10 * MB, 60 * MB, 5 * MB))
    assert found == sorted(found)
    assert max(b - a for a, b in pairwise(found[1:])) < 1.5 * MB
    assert found[-1] > 4 * MB


def test_where_nothing_comes_the_rate_falls_and_is_soon_none() -> None:
    found = rates(*range(0, 5 * MB, MB), *[4 * MB] * 12)
    stands = [found[4 + at] for at in range(13)]
    assert stands == sorted(stands, reverse=True)
    assert stands[int(STANDS_AFTER) - 1] > 0
    assert stands[int(STANDS_AFTER) :] == [0.0] * 3


def test_after_it_stood_the_new_rate_is_told_at_once() -> None:
    assert rates(0, 5 * MB, *[5 * MB] * 60, 6 * MB)[-1] == pytest.approx(MB)


def test_a_file_that_begins_anew_makes_no_rate_negative() -> None:
    found = rates(0, 5 * MB, 1 * MB, 2 * MB)
    assert found[2] == pytest.approx(5 * MB * math.exp(-1 / 5))
    assert min(found) >= 0


def test_two_looks_in_the_same_moment_change_nothing() -> None:
    pace = Pace()
    assert [pace.at(0, 1.0), pace.at(MB, 2.0), pace.at(9 * MB, 2.0001)] == [0.0, MB, MB]
    assert pace.at(2 * MB, 3.0) == pytest.approx(MB)


@given(
    looks=st.lists(
        st.tuples(st.integers(0, 10**12), st.floats(0, 10**6, allow_subnormal=False)), max_size=30
    )
)
def test_a_rate_is_never_negative_nor_without_bound(looks: list[tuple[int, float]]) -> None:
    pace, now = Pace(), 0.0
    for count, elapsed in looks:
        now += elapsed
        rate = pace.at(count, now)
        assert rate >= 0
        assert math.isfinite(rate)


def test_a_resumed_assembly_has_no_rate_before_something_new_comes(tmp_path: Path) -> None:
    sources = [Source(n, f"http://127.0.0.1:8000/{n}") for n in range(3)]
    remembered = Remembered(
        tail=900 * MB,
        done=(DoneEntry(0, "a", 0, 0, 0, 500 * MB, 500 * MB),),
        open=(OpenEntry(1, "b", 500 * MB + 60, 40, 300 * MB, 200 * MB, 0, etag='"v"'),),
    )
    resources = FakeResources()
    assembly = Assembly(sources, remembered, tmp_path / "a.zip", resources.real)
    assembly.start()
    for _ in range(3):
        found = assembly.progress()
        assert (found.bytes_done, found.bytes_per_second) == (700 * MB, 0.0)
        assert found.bytes_total is None
    (fetches,) = resources.loop.fetches.values()
    Try(fetches[1], body(10_000)).begin(head(10_000), 0, 10_000).run(resources.loop)
    found = assembly.progress()
    assert (found.bytes_done, found.bytes_total) == (700 * MB + 10_000, 800 * MB + 10_000)
    assembly.close()
    resources.close()
