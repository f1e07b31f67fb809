"""Requests to the object store, counted by operation and outcome, and how long they take.

Owns the hooks in boto3, which calls them around each operation with all its retries. What libcurl
sends is counted where it is sent (`s3_part.py`).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from packmule.telemetry.metrics import BUCKET_REQUESTS, BUCKET_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_LATER = frozenset({408, 425, 429})
_BEGAN = "packmule_began"


def count(operation: str, status: int, seconds: float) -> None:
    """Count a request by the status of its last answer; 0 where none came."""
    if not status:
        outcome = "unreachable"
    elif status >= _SERVER_ERROR or status in _LATER:
        outcome = "later"
    else:
        outcome = "refused" if status >= _CLIENT_ERROR else "ok"
    BUCKET_REQUESTS.inc(operation, outcome)
    BUCKET_SECONDS.observe(seconds, operation)


def watch(client: S3Client) -> None:
    """Count all that this client asks for."""
    events = client.meta.events
    events.register("before-call.s3", _begin)
    events.register("after-call.s3", _end)
    events.register("after-call-error.s3", _fail)


def _begin(context: dict[str, Any], **_: Any) -> None:
    context[_BEGAN] = time.monotonic()


def _end(http_response: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    count(_snake(model.name), http_response.status_code, _since(context))


def _fail(event_name: str, context: dict[str, Any], **_: Any) -> None:
    count(_snake(event_name.rpartition(".")[2]), 0, _since(context))


def _since(context: dict[str, Any]) -> float:
    return time.monotonic() - float(context.get(_BEGAN, time.monotonic()))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
