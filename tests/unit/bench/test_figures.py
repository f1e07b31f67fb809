from dataclasses import replace

import pytest
from bench.figures import line_of, ratio, tables
from bench.promises import over_limit, promises
from bench.records import Record


def record(contestant: str, seconds: float, *, work: str = "A", peak: int = 0) -> Record:
    return Record("run", work, contestant, 0, 2_000_000_000, seconds, 3.0, peak)


def failed(contestant: str) -> Record:
    return Record("run", "A", contestant, 0, 2_000_000_000, failure="no archive was made")


def test_time_is_the_median_and_memory_the_worst() -> None:
    line = line_of("pack", [record("pack", s, peak=int(s * 1e6)) for s in (9.0, 1.0, 2.0)])
    assert (line.seconds, line.fastest, line.slowest) == (2.0, 1.0, 9.0)
    assert line.peak_mb == 9.0


def test_an_archive_is_on_the_disk_when_the_kernel_has_written_it_too() -> None:
    records = [replace(record("pack", 1.0), settling_seconds=s) for s in (0.5, 9.0, 2.0)]
    assert line_of("pack", records).on_disk == 3.0
    assert line_of("dd", [record("dd", 1.0)]).on_disk is None


def test_cpu_is_told_a_gigabyte_of_a_thousand_million_bytes() -> None:
    assert line_of("pack", [record("pack", 1.0)]).cpu_per_gb == 1.5


def test_a_contestant_that_failed_once_has_figures_but_no_ratio() -> None:
    found = tables([record("pack", 1.0), failed("dd"), record("dd", 2.0)])["A"]
    assert found["dd"].seconds == 2.0
    assert found["dd"].failures == ("no archive was made",)
    assert ratio(found, "dd", "pack") is None


def test_a_contestant_that_only_failed_counts_no_round() -> None:
    assert line_of("dd", [failed("dd")]).rounds == 0


def test_ours_is_held_against_the_slower_of_network_and_disk() -> None:
    found = tables([record("pack", 6.0), record("dd", 4.0), record("curl-null", 3.0)])["A"]
    assert over_limit(found) == pytest.approx(1.5)


def test_without_both_limits_nothing_is_said_about_the_slower() -> None:
    assert over_limit(tables([record("pack", 6.0), record("dd", 4.0)])["A"]) is None


@pytest.mark.parametrize(("seconds", "held"), [(8.0, True), (7.9, False)])
def test_a_promise_is_held_on_its_bound(seconds: float, *, held: bool) -> None:
    found = tables([record("pack", 1.0), record("aria2-zip", seconds)])
    promise = next(each for each in promises(["A"]) if "aria2" in each.text)
    assert promise.verdict(found).held is held


def test_a_promise_nobody_measured_is_neither_held_nor_missed() -> None:
    verdicts = [promise.verdict({}) for promise in promises([])]
    assert {verdict.held for verdict in verdicts} == {None}


def test_the_service_is_promised_for_each_work() -> None:
    texts = [promise.text for promise in promises(["A", "B", "C-tls"])]
    assert texts.count("the service, of `pack`") == 3
