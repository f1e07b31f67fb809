"""Metrics of this process, so cheap that the hot path can count.

Owns counting, under one lock for each metric, and that the number of series is bounded: a label
whose words are declared takes no other, and no metric grows beyond `MOST_SERIES`. What does not fit
is counted as `other`. Leaves which metrics there are to `metrics.py`, how they are told to
`exposition.py`. Imports nothing but the standard library: `packmule pack` counts too, and for
nobody.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

OTHER = "other"
MOST_SERIES = 2000

Labels = tuple[str, ...]


class By(Enum):
    """Which processes tell a metric; those of the service are told by the API, without its name."""

    WORKER = "worker"
    API = "api"
    EACH = "each"
    SERVICE = "service"


class _Metric:
    """What all metrics have: a name, a help, labels, and their words where these are declared.

    `by` says which processes tell it.
    """

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Mapping[str, Sequence[str] | None] | None = None,
        *,
        by: By = By.WORKER,
    ) -> None:
        self.name = name
        self.help = help_
        self.by = by
        self.labels: Labels = tuple(labels or ())
        self.words = [None if words is None else frozenset(words) for words in self._words(labels)]
        self._lock = threading.Lock()
        self._values: dict[Labels, Any] = {}
        if all(words is not None for words in self._words(labels)):
            # Told from the start: a series that appears with its first event hides that event.
            for series in product(*(words for words in self._words(labels) if words is not None)):
                self._values[series] = self._nothing()

    @staticmethod
    def _words(
        labels: Mapping[str, Sequence[str] | None] | None,
    ) -> list[Sequence[str] | None]:
        return list((labels or {}).values())

    def _nothing(self) -> Any:
        return 0

    def _series(self, labels: Labels) -> Labels:
        """Return the series to count in, created if missing; the caller holds the lock."""
        if labels in self._values:
            return labels
        bounded = tuple(
            label if words is None or label in words else OTHER
            for label, words in zip(labels, self.words, strict=True)
        )
        if bounded not in self._values and len(self._values) >= MOST_SERIES:
            bounded = tuple(OTHER for _ in labels)
        self._values.setdefault(bounded, self._nothing())
        return bounded

    def clear(self) -> None:
        """Forget everything, as at the start of the process."""
        with self._lock:
            for series in self._values:
                self._values[series] = self._nothing()

    def values(self) -> list[tuple[Labels, Any]]:
        """Return every series with its value."""
        with self._lock:
            return [(series, self._copied(value)) for series, value in self._values.items()]

    @staticmethod
    def _copied(value: Any) -> Any:
        return value


class Counter(_Metric):
    """A number that only grows while the process lives."""

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Mapping[str, Sequence[str] | None] | None = None,
        *,
        by: By = By.WORKER,
    ) -> None:
        super().__init__(name, help_, labels, by=by)
        self._under_way: Callable[[], float] | None = None
        self._told = 0.0

    def inc(self, *labels: str, by: float = 1) -> None:
        """Count one more, or `by` more."""
        with self._lock:
            if labels not in self._values:
                labels = self._series(labels)
            self._values[labels] += by

    def watch(self, under_way: Callable[[], float]) -> None:
        """Add to the exported value what is under way and will be counted when it ends."""
        self._under_way = under_way

    def values(self) -> list[tuple[Labels, Any]]:
        """Return every series with its value, which never falls."""
        found = super().values()
        if self._under_way is None:
            return found
        [(series, counted)] = found
        total = counted + self._under_way()
        with self._lock:  # several threads may be asked at once
            self._told = max(self._told, total)
            return [(series, self._told)]


class Gauge(_Metric):
    """A number that rises and falls; not told before it was set."""

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Mapping[str, Sequence[str] | None] | None = None,
        *,
        by: By = By.WORKER,
    ) -> None:
        super().__init__(name, help_, labels, by=by)
        self._values.clear()
        self._watched: Callable[[], float] | None = None

    def set(self, value: float, *labels: str) -> None:
        """Set the current value."""
        with self._lock:
            self._values[self._series(labels)] = value

    def watch(self, read: Callable[[], float]) -> None:
        """Read the value from this function when it is exported."""
        self._watched = read

    def inc(self, *labels: str, by: float = 1) -> None:
        """Increase the value, or decrease it."""
        with self._lock:
            self._values[self._series(labels)] += by

    def clear(self) -> None:
        """Forget every value."""
        with self._lock:
            self._values.clear()

    def values(self) -> list[tuple[Labels, Any]]:
        """Return every series that was set."""
        if self._watched is not None:
            return [((), self._watched())]
        return super().values()


class Histogram(_Metric):
    """How often a value was at most so much; `buckets` are the upper bounds, without infinity."""

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Mapping[str, Sequence[str] | None] | None = None,
        *,
        by: By = By.WORKER,
        buckets: Sequence[float],
    ) -> None:
        self.buckets = tuple(buckets)
        super().__init__(name, help_, labels, by=by)

    def _nothing(self) -> Any:
        return [0.0, [0] * (len(self.buckets) + 1)]

    @staticmethod
    def _copied(value: Any) -> Any:
        return (value[0], tuple(value[1]))

    def observe(self, value: float, *labels: str) -> None:
        """Count a value."""
        with self._lock:
            series = self._values[self._series(labels)]
            series[0] += value
            series[1][bisect_left(self.buckets, value)] += 1


def cumulated(counts: Sequence[int]) -> Iterator[int]:
    """Add up the buckets, as they are told."""
    total = 0
    for count in counts:
        total += count
        yield total
