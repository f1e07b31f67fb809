"""Traces: one a job, from its creation over its runs to its publication, for OpenTelemetry.

Owns when there are any: where `OTEL_EXPORTER_OTLP_ENDPOINT` (or its form for traces) is set and the
extra `otel` is installed. Otherwise nothing of it is imported, and a span costs a look at a name.
Leaves the spans to `otel.py`, a job's IDs to `trace_ids.py`. Neither a job's hash nor a link is
ever sent.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from packmule.telemetry.trace_ids import RequestStart, TraceIds, ids_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)

_ASKED_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Tracer(Protocol):
    """Makes spans."""

    def created(self, ids: TraceIds, request: RequestStart) -> None:
        """Send the first span of a job, which ends now."""

    def span(self, name: str, ids: TraceIds | None, attributes: Mapping[str, int | str]) -> Span:
        """Begin a span of a job's trace, or within the one under way."""

    def fail(self, code: str) -> None:
        """Mark the current span as failed."""

    def stop(self) -> None:
        """Send what is not sent yet, for some seconds at most."""


Span = AbstractContextManager[object]

_tracer: Tracer | None = None
_request: ContextVar[RequestStart | None] = ContextVar("packmule_request", default=None)


def start(environment: Mapping[str, str], process: str) -> None:
    """Start tracing, if it is configured and its packages are installed."""
    global _tracer  # noqa: PLW0603 - a process traces or does not, from its start on
    asked = any(environment.get(name, "").strip() for name in _ASKED_BY)
    if not asked or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        from packmule.telemetry.otel import OtelTracer  # noqa: PLC0415 - only where it is asked for
    except ModuleNotFoundError as error:
        _log.warning("tracing is off: %s is not installed; install packmule[otel]", error.name)
        return
    _tracer = OtelTracer(process)


def stop() -> None:
    """Send what is not sent yet, and trace no more."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.stop()


def note_request(traceparent: str | None) -> None:
    """Remember when this request began, and whose trace it is part of (W3C Trace Context)."""
    if _tracer is not None:
        _request.set(RequestStart(time.time_ns(), traceparent))


def created(hash_: str) -> None:
    """Send the span of the current request, which has created this job."""
    request = _request.get()
    if _tracer is not None and request is not None:
        _tracer.created(ids_of(hash_), request)


def span(name: str, hash_: str | None = None, **attributes: int | str) -> Span:
    """Trace a block: as part of a job's trace, or (None) of the block around it."""
    if _tracer is None:
        return nullcontext()
    return _tracer.span(name, None if hash_ is None else ids_of(hash_), attributes)


def fail(code: str) -> None:
    """Mark the current span as failed."""
    if _tracer is not None:
        _tracer.fail(code)
