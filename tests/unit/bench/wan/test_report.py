"""The report of the emulated link: what counts as fastest, and which targets are held."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from bench.wan import picture, readings, report
from bench.wan.cases import CASES, NEAR, SMALL, Case
from bench.wan.files import sizes
from bench.wan.readings import Line, Result, Turn

if TYPE_CHECKING:
    from pathlib import Path

CASE = Case("a", "some files", ((NEAR, SMALL),), unknown=1.35, known=1.2)


def line(name: str, *seconds: float, failure: str | None = None) -> Line:
    turns = [Turn(each, 0.5, 10, 3, 1, (5, 9)) for each in seconds]
    return Line(name, f"`{name}`", [*turns, *([Turn(failure=failure)] if failure else [])])


def result(*lines: Line) -> Result:
    return Result("a", "abc", "2026-01-02", 5, 1_000_000, list(lines))


def test_a_ratio_is_to_the_fastest_peer_that_never_failed() -> None:
    broken = line("wget2", 0.1, failure="3 of 9 files")
    found = result(line("pack", 2.6, 3.0, 2.0), line("curl-50", 4.0), line("aria2", 2.0), broken)
    assert found.fastest_peer is not None
    assert found.fastest_peer.name == "aria2"
    assert found.ratio("pack") == pytest.approx(1.3)


def test_ours_that_failed_once_holds_no_target() -> None:
    found = result(
        line("pack", 1.0, failure="no archive"), line("pack-known", 1.0), line("aria2", 2)
    )
    assert found.ratio("pack") is None
    assert not report.all_held(CASE, found)
    assert "| failed | 0.50 of 1.20, held |" in report.targets([CASE], {"a": found})


@pytest.mark.parametrize(("known", "held"), [(2.4, True), (2.5, False)])
def test_every_target_of_a_case_counts(known: float, *, held: bool) -> None:
    found = result(line("pack", 2.7), line("pack-known", known), line("aria2", 2.0))
    assert report.all_held(CASE, found) is held
    assert ("**missed**" in report.targets([CASE], {"a": found})) is not held


def test_a_contestant_that_failed_is_named_with_its_reason() -> None:
    found = result(line("pack", 2.0), line("aria2", failure="3 of 9 files"))
    assert "| `aria2` | failed: 3 of 9 files |" in report.table(CASE, found)


def test_readings_are_read_as_they_were_written(tmp_path: Path) -> None:
    kept = result(line("pack", 2.0, 3.0), line("aria2", failure="no"))
    readings.write(tmp_path, kept)
    (found,) = readings.read(tmp_path, ["a", "never-run"])
    assert (found.ratio("pack"), found.case, found.rounds) == (None, "a", 5)
    assert [one.seconds for one in found.lines] == [2.5, None]


def test_the_sizes_of_a_case_are_the_same_each_time() -> None:
    for case in CASES:
        for _, files in case.hosts:
            found = sizes(files)
            assert found == sizes(files)
            assert len(found) == files.count
            assert files.least <= min(found)
            assert max(found) <= files.most


def test_a_picture_is_well_formed_and_has_a_line_for_each_series() -> None:
    panel = picture.Panel(
        "a < b", [picture.Series("x & y", (10, 40, 50)), picture.Series("z", (9,))]
    )
    root = ET.fromstring(picture.draw([panel, panel]))  # noqa: S314 - made here
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 4
