"""What a worker tells of itself every two seconds: that it is alive, and its metrics.

Owns where the metrics go: into the data directory, where the API of the same machine finds them;
and, with PACKMULE_WORKER_METRICS_PORT, to whoever asks this worker.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from packmule.errors import UsageError
from packmule.telemetry import snapshots
from packmule.telemetry.counts import By
from packmule.telemetry.metrics import BYTES_FETCHED, TRANSFERS_IN_WORK
from packmule.worker.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.assembly.workshop import Workshop
    from packmule.settings import Settings
    from packmule.telemetry.snapshots import Snapshot

_log = logging.getLogger(__name__)


class Signs:
    """A worker's heartbeat, with its metrics beside it."""

    def __init__(self, heartbeat: Heartbeat, snapshot: Snapshot) -> None:
        self._heartbeat = heartbeat
        self._snapshot = snapshot

    def beat(self) -> None:
        """Say that this worker is alive, and what it has counted. Raises OSError."""
        self._heartbeat.beat()
        from packmule.telemetry.exposition import (  # noqa: PLC0415 - the first beat comes first
            ProcessMetrics,
            text_of,
        )

        self._snapshot.write(text_of(ProcessMetrics(self._snapshot.name, By.WORKER)))


@contextmanager
def telling(settings: Settings, workshop: Workshop) -> Iterator[Signs]:
    """Prepare a worker's signs of life. Raises UsageError where its port cannot be had."""
    TRANSFERS_IN_WORK.watch(workshop.loop.in_work)
    BYTES_FETCHED.watch(workshop.loop.under_way)
    with snapshots.claimed(settings.data_dir, "worker") as snapshot:
        if settings.worker_metrics_port:
            _serve(settings, snapshot.name)
        yield Signs(Heartbeat(settings.data_dir), snapshot)


def _serve(settings: Settings, name: str) -> None:
    """Tell this worker's metrics over HTTP, in a thread that ends with the process."""
    from prometheus_client import start_http_server  # noqa: PLC0415 - only where it is asked for

    from packmule.telemetry.exposition import ProcessMetrics, registry_of  # noqa: PLC0415

    port = settings.worker_metrics_port
    try:
        start_http_server(port, settings.host, registry_of(ProcessMetrics(name, By.WORKER)))
    except OSError as error:
        raise UsageError(
            f"PACKMULE_WORKER_METRICS_PORT: port {port} of {settings.host} cannot be listened on: "
            f"{error.strerror}."
        ) from error
    _log.info("metrics of this worker on http://%s:%d/metrics", settings.host, port)
