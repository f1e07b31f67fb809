"""Counting: bounded, whole under threads, and told from the start."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from packmule.telemetry import instruments
from packmule.telemetry.instruments import OTHER, Counter, Gauge, Histogram
from packmule.telemetry.metrics import ALL

if TYPE_CHECKING:
    import pytest


def test_a_series_whose_words_are_declared_is_told_before_its_first_event() -> None:
    counter = Counter("c", "help", {"a": ("x", "y"), "b": ("1",)})
    assert dict(counter.values()) == {("x", "1"): 0, ("y", "1"): 0}


def test_a_word_that_is_not_declared_is_counted_as_other() -> None:
    counter = Counter("c", "help", {"a": ("x",)})
    counter.inc("http://origin.example/?secret")
    assert dict(counter.values()) == {("x",): 0, (OTHER,): 1}


def test_no_metric_grows_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instruments, "MOST_SERIES", 10)
    counter = Counter("c", "help", {"a": None})
    for number in range(100):
        counter.inc(str(number))
    found = dict(counter.values())
    assert len(found) == 11
    assert found[(OTHER,)] == 90


def test_nothing_is_lost_where_threads_count_at_once() -> None:
    counter = Counter("c", "help")

    def count() -> None:
        for _ in range(20_000):
            counter.inc()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.values() == [((), 80_000)]


def test_what_is_under_way_is_told_and_never_told_to_be_less() -> None:
    counter = Counter("c", "help")
    under_way = 70.0
    counter.watch(lambda: under_way)
    assert counter.values() == [((), 70.0)]
    under_way = 0.0  # between the end of a transfer and its being counted
    assert counter.values() == [((), 70.0)]
    counter.inc(by=75)
    assert counter.values() == [((), 75.0)]


def test_what_is_told_never_falls_where_two_ask_at_once() -> None:
    counter = Counter("c", "help")
    told: list[float] = []

    def under_way() -> float:
        if told:
            return 12.0
        told.append(0.0)
        [(_, told[0])] = counter.values()  # another thread asks, and is the quicker one
        return 10.0

    counter.watch(under_way)
    assert counter.values() == [((), 12.0)]
    assert told == [12.0]


def test_a_gauge_that_was_not_set_is_not_told() -> None:
    gauge = Gauge("g", "help", {"state": None})
    assert gauge.values() == []
    gauge.set(3, "queued")
    assert gauge.values() == [(("queued",), 3)]
    gauge.clear()
    assert gauge.values() == []


def test_a_gauge_can_be_read_when_it_is_told() -> None:
    gauge = Gauge("g", "help")
    gauge.watch(lambda: 5)
    assert gauge.values() == [((), 5)]


def test_a_value_on_a_bound_is_within_it() -> None:
    histogram = Histogram("h", "help", buckets=(1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value)
    assert histogram.values() == [((), (12.0, (2, 1, 1)))]


def test_every_metric_is_named_by_prometheus_rules_and_explained() -> None:
    names = [metric.name for metric in ALL]
    assert len(set(names)) == len(names)
    for metric in ALL:
        assert metric.name.startswith("packmule_")
        assert not metric.name.endswith("_total")  # the exposition adds it
        assert metric.help.endswith(".")
        assert not {"url", "host", "hash", "client", "job"} & set(metric.labels)
