"""The metrics as the API tells them: its own, the service's, and what the workers have written.

Owns what is asked of the stores at a scrape, and how often. The answers are kept for some seconds,
longer the more they have cost: telling metrics takes at most a fiftieth of one processor, however
many jobs there are and however often one asks. A part that cannot be asked is left out and counted;
the rest is told.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from packmule.errors import DiskFull, StorageFailed
from packmule.telemetry import metrics, snapshots
from packmule.telemetry.instruments import By

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from packmule.settings import Settings
    from packmule.telemetry.instruments import Gauge
    from packmule.wiring.stores import Stores

_log = logging.getLogger(__name__)

_FRESH_SECONDS = 2.0
_COST_FACTOR = 50


class Gathering:
    """Asks the service's parts for what the metrics tell of them."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        worker_age: Callable[[], float | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stores = stores
        self._worker_age = worker_age
        self._reserve = settings.min_free_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._fresh_until = float("-inf")

    def refresh(self) -> None:
        """Set the service's gauges, unless they are fresh enough."""
        with self._lock:
            begun = self._clock()
            if begun < self._fresh_until:
                return
            self._try("jobs", self._jobs, metrics.JOBS, metrics.QUEUE_LENGTH, metrics.STORAGE_WAITS)
            self._try("queue", self._queue, metrics.QUEUE_AGE)
            self._try("storage", self._storage, metrics.BUCKET_UP)
            self._try("disk", self._disk, metrics.DISK_FREE)
            self._try("worker", self._worker, metrics.WORKER_AGE, metrics.WORKERS)
            now = self._clock()
            self._fresh_until = now + max(_FRESH_SECONDS, (now - begun) * _COST_FACTOR)

    def _try(self, part: str, ask: Callable[[], None], *gauges: Gauge) -> None:
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other parts are told
            # Readiness says it at its own level; here it would come with every scrape.
            _log.debug("metrics not gathered part=%s reason=%s", part, error)
            metrics.GATHER_FAULTS.inc(part)
            for gauge in gauges:
                gauge.clear()

    def _jobs(self) -> None:
        counts = self._stores.jobs.counts()
        for state, number in counts.items():
            metrics.JOBS.set(number, state.value)
            if state.value == "queued":
                metrics.QUEUE_LENGTH.set(number)

        metrics.STORAGE_WAITS.set(self._stores.jobs.count_storage_waits())

    def _storage(self) -> None:
        try:
            self._stores.storage.check()
        except (StorageFailed, DiskFull):
            metrics.BUCKET_UP.set(0)
        else:
            metrics.BUCKET_UP.set(1)

    def _queue(self) -> None:
        metrics.QUEUE_AGE.set(self._stores.engine.queue_age())

    def _disk(self) -> None:
        metrics.DISK_RESERVE.set(self._reserve)
        metrics.DISK_FREE.set(self._stores.storage.free_bytes())

    def _worker(self) -> None:
        if self._stores.count_workers is not None:
            for state, number in self._stores.count_workers().items():
                metrics.WORKERS.set(number, state)
        age = self._worker_age()
        if age is None:
            metrics.WORKER_AGE.clear()
        else:
            metrics.WORKER_AGE.set(age)


def teller(
    settings: Settings, stores: Stores, worker_age: Callable[[], float | None]
) -> Callable[[], tuple[bytes, str]]:
    """Return what writes the API's page of metrics, and names its media type."""
    gathering = Gathering(settings, stores, worker_age)
    data_dir: Path = settings.data_dir

    def tell() -> tuple[bytes, str]:
        from packmule.telemetry.exposition import (  # noqa: PLC0415 - who never asks, never waits
            MEDIA_TYPE,
            MergedMetrics,
            ProcessMetrics,
            text_of,
        )

        gathering.refresh()
        joined = MergedMetrics(ProcessMetrics("api", By.API), lambda: snapshots.told(data_dir))
        return text_of(joined), MEDIA_TYPE

    return tell
