"""What a run tells its operator: the figures of what became certain, and why a job failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from packmule.errors import Failure, FailureCode
from packmule.telemetry.metrics import ARCHIVES_FAILED, FILES_FAILED, FILES_PACKED
from packmule.telemetry.tracing import fail

if TYPE_CHECKING:
    from packmule.jobs.model import Checkpoint

_log = logging.getLogger(__name__)


def tell_failed(failure: Failure) -> None:
    """Log and count that a job failed."""
    _log.info("job failed code=%s reason=%s", failure.code.value, failure.detail)
    ARCHIVES_FAILED.inc(failure.code.value)
    fail(failure.code.value)


def count_checkpoint(checkpoint: Checkpoint) -> None:
    """Count what a durable checkpoint says is new."""
    FILES_PACKED.inc(by=len(checkpoint.done))
    for entry in checkpoint.failed:
        FILES_FAILED.inc(entry.failure.code.value)


def quarantined(runs: int) -> Failure:
    """Return why a job is run no more that so many runs in a row did not bring further."""
    detail = (
        f"{runs} runs in a row ended without progress: each time the worker crashed, was killed or "
        "met an internal error. The operator finds the cause in the workers' logs; a retry runs "
        "the job again, with what it has."
    )
    return Failure(FailureCode.QUARANTINED, detail, attempts=runs)
