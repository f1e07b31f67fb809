"""The metrics as Prometheus reads them: this process's own, and those that others have left.

Owns the translation of `instruments.py` into Prometheus' text format, the numbers of the process
itself, and the joining of several processes' texts. The one file that imports `prometheus_client`;
it is imported when the metrics are first told.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from packmule.telemetry.instruments import By, Counter, Gauge, Histogram, cumulated
from packmule.telemetry.metrics import ALL, set_constants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.metrics_core import Metric

_log = logging.getLogger(__name__)

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PROCESS = "process"
"""The label that says which process has counted: `api`, `worker`, `worker-2`, …"""


class ProcessMetrics(Collector):
    """All that this process counts, and what the kernel knows about it."""

    def __init__(self, process: str, by: By) -> None:
        self._process = process
        self._by = {By.EACH, by} | ({By.SERVICE} if by is By.API else set())
        self._kernel = ProcessCollector(registry=None)
        set_constants()

    def collect(self) -> Iterator[Metric]:
        """Return each metric that has a value."""
        for each in ALL:
            if each.by not in self._by:
                continue
            family = self._family(each)
            if family.samples:
                yield family
        for family in self._kernel.collect():
            family.samples = [
                sample._replace(labels={**sample.labels, PROCESS: self._process})
                for sample in family.samples
            ]
            yield family

    def _family(self, metric: Counter | Gauge | Histogram) -> Metric:
        own = () if metric.by is By.SERVICE else (self._process,)
        labels = [*metric.labels, *([PROCESS] if own else [])]
        match metric:
            case Counter():
                counter = CounterMetricFamily(metric.name, metric.help, labels=labels)
                for series, value in metric.values():
                    counter.add_metric([*series, *own], value)
                return counter
            case Gauge():
                gauge = GaugeMetricFamily(metric.name, metric.help, labels=labels)
                for series, value in metric.values():
                    gauge.add_metric([*series, *own], value)
                return gauge
            case Histogram():
                histogram = HistogramMetricFamily(metric.name, metric.help, labels=labels)
                bounds = [*map(str, map(float, metric.buckets)), "+Inf"]
                for series, (total, counts) in metric.values():
                    buckets = list(zip(bounds, cumulated(counts), strict=True))
                    histogram.add_metric([*series, *own], buckets, total)
                return histogram


class MergedMetrics(Collector):
    """This process's metrics, and those that other processes have written down as text."""

    def __init__(self, own: Collector, others: Callable[[], Iterable[str]]) -> None:
        self._own = own
        self._others = others

    def collect(self) -> Iterable[Metric]:
        """Return each metric once, with the samples of all processes."""
        families = {family.name: family for family in self._own.collect()}
        for text in self._others():
            for family in _parsed(text):
                known = families.setdefault(family.name, family)
                if known is not family:
                    known.samples.extend(family.samples)
        return families.values()


def _parsed(text: str) -> list[Metric]:
    """Parse a text of ours; a damaged one has no metrics."""
    try:
        return list(text_string_to_metric_families(text))
    except ValueError as error:
        _log.warning("worker metrics not read reason=%s", error)
        return []


def registry_of(collector: Collector) -> CollectorRegistry:
    """Return a registry of just this collector."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def text_of(collector: Collector) -> bytes:
    """Write the text that Prometheus reads."""
    return generate_latest(registry_of(collector))
