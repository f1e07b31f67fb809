"""What a worker tells of itself every two seconds: that it is alive, and its metrics.

Owns where the metrics go: into the data directory, where the API of the same machine finds them;
and, with PACKMULE_WORKER_METRICS_PORT, to Prometheus.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from packmule.errors import UsageError
from packmule.telemetry import snapshots
from packmule.telemetry.instruments import By
from packmule.telemetry.metrics import BYTES_FETCHED, SCRATCH_FREE, TRANSFERS_IN_WORK
from packmule.worker.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.assembly.resources import SharedResources
    from packmule.settings import Settings
    from packmule.telemetry.snapshots import Snapshot

_log = logging.getLogger(__name__)


class WorkerHealth:
    """A worker's heartbeat, with its metrics beside it."""

    def __init__(self, heartbeat: Heartbeat, snapshot: Snapshot | None) -> None:
        self._heartbeat = heartbeat
        self._snapshot = snapshot
        self._silent = False

    def beat(self) -> None:
        """Record that this worker is alive, and what it has counted. Raises OSError.

        Metrics that cannot be written are said once, and do not stop the heart.
        """
        self._heartbeat.beat()
        if self._snapshot is None:
            return
        try:
            self._tell(self._snapshot)
            self._silent = False
        except Exception as error:  # noqa: BLE001 - of numbers nobody dies
            if not self._silent:
                _log.warning("worker metrics not written reason=%s", error, exc_info=True)
            self._silent = True

    def _tell(self, snapshot: Snapshot) -> None:
        from packmule.telemetry.exposition import (  # noqa: PLC0415 - the first beat comes first
            ProcessMetrics,
            text_of,
        )

        snapshot.write(text_of(ProcessMetrics(snapshot.name, By.WORKER)))


@contextmanager
def telling(settings: Settings, resources: SharedResources) -> Iterator[WorkerHealth]:
    """Prepare a worker's signs of life. Raises UsageError where its port cannot be had."""
    TRANSFERS_IN_WORK.watch(resources.loop.in_work)
    BYTES_FETCHED.watch(resources.loop.under_way)
    SCRATCH_FREE.watch(lambda: shutil.disk_usage(settings.data_dir).free)
    with ExitStack() as held:
        try:
            snapshot = held.enter_context(snapshots.claimed(settings.data_dir, "worker"))
        except OSError as error:
            _log.warning("worker metrics unavailable to the API reason=%s", error.strerror)
            snapshot = None
        if settings.worker_metrics_port:
            _serve(settings, "worker" if snapshot is None else snapshot.name)
        yield WorkerHealth(Heartbeat(settings.data_dir), snapshot)


def _serve(settings: Settings, name: str) -> None:
    """Serve this worker's metrics over HTTP, in a thread that ends with the process."""
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
    _log.info("worker metrics served url=http://%s:%d/metrics", settings.host, port)
