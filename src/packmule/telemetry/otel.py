"""Spans by OpenTelemetry's SDK, sent over OTLP/HTTP.

Owns the SDK's set-up; everything else of it (endpoint, headers, sampler, resource) is by its usual
`OTEL_*` variables. The one file that imports it; `tracing.py` decides whether.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

import packmule
from packmule.telemetry.trace_ids import TRACEPARENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

    from packmule.telemetry.trace_ids import RequestStart, TraceIds

_FLUSH_MS = 3000


class ChosenIds(RandomIdGenerator):
    """Random IDs, except for the first span of a job."""

    def __init__(self) -> None:
        self.chosen: ContextVar[TraceIds | None] = ContextVar("packmule_ids", default=None)

    def generate_trace_id(self) -> int:
        """Return the chosen ID, or else a random one."""
        chosen = self.chosen.get()
        return super().generate_trace_id() if chosen is None else chosen.trace

    def generate_span_id(self) -> int:
        """Return the chosen ID, or else a random one."""
        chosen = self.chosen.get()
        return super().generate_span_id() if chosen is None else chosen.span


class OtelTracer:
    """Makes spans and sends them; `exporter` is for those who want them elsewhere."""

    def __init__(self, process: str, exporter: SpanExporter | None = None) -> None:
        self._ids = ChosenIds()
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes before.
        resource = Resource.create()
        if str(resource.attributes.get("service.name")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": f"packmule-{process}"}))
        resource = resource.merge(Resource({"service.version": packmule.__version__}))
        self._provider = TracerProvider(resource=resource, id_generator=self._ids)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("packmule", packmule.__version__)

    def created(self, ids: TraceIds, request: RequestStart) -> None:
        """Send the first span of a job, linked to the caller's."""
        token = self._ids.chosen.set(ids)
        try:
            self._tracer.start_span(
                "create",
                Context(),
                SpanKind.SERVER,
                links=_links(request.traceparent),
                start_time=request.begun,
            ).end()
        finally:
            self._ids.chosen.reset(token)

    def span(
        self, name: str, ids: TraceIds | None, attributes: Mapping[str, int | str]
    ) -> AbstractContextManager[Span]:
        """Begin a span of a job's trace, or within the one under way."""
        named = {f"packmule.{key}": value for key, value in attributes.items()}
        context = None if ids is None else self._context(ids)
        return self._tracer.start_as_current_span(name, context, attributes=named)

    def _context(self, ids: TraceIds) -> Context:
        """Return the context after a job's first span, whether or not another process sent that."""
        decided = self._provider.sampler.should_sample(Context(), ids.trace, "create").decision
        sampled = decided is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        parent = SpanContext(ids.trace, ids.span, is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(NonRecordingSpan(parent), Context())

    def fail(self, code: str) -> None:
        """Mark the current span as failed."""
        span = trace.get_current_span()
        span.set_status(Status(StatusCode.ERROR, code))
        span.set_attribute("packmule.failure", code)

    def stop(self) -> None:
        """Send what is not sent yet, for some seconds at most."""
        self._provider.force_flush(_FLUSH_MS)
        self._provider.shutdown()


def _links(traceparent: str | None) -> list[Link]:
    """Link to the caller's span; an invalid header is ignored."""
    found = TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return []
    context = SpanContext(
        int(found[1], 16),
        int(found[2], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(found[3], 16)),
    )
    return [Link(context)]
