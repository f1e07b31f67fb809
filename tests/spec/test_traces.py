"""Traces, sent by the real program to a receiver that reads OTLP as a collector does."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.spec.service import Service, until

from packmule.telemetry.trace_ids import ids_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span
    from tests.fakes.origin import Origin

CALLERS = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """A collector on loopback; `bodies` is all that came."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.bodies.append(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[tuple[str, Span]]:
        """List the spans that came, each with its service's name."""
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                [service] = [
                    each.value.string_value
                    for each in resource.resource.attributes
                    if each.key == "service.name"
                ]
                found += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    thread = threading.Thread(target=running.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()
    thread.join()


def test_a_job_is_one_trace_over_both_processes(
    tmp_path: Path, origin: Origin, collector: Collector
) -> None:
    with Service(tmp_path, ATTEMPTS="1") as own:
        own.environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        own.start().client.headers["traceparent"] = f"00-{CALLERS}-00f067aa0ba902b7-01"
        good = own.completed(origin.put("/traces/secret-path", b"x") + "?signature=topsecret")
        bad = own.create(origin.url("/traces/missing"))
        assert own.outcome(bad)["status"] == "failed"
        assert own.stop() == 0
        until(lambda: len(collector.spans()) >= 7, f"the spans; the log:\n{own.log}")

    def of(archive_hash: str) -> dict[str, tuple[str, Span]]:
        trace = ids_of(archive_hash).trace.to_bytes(16)
        return {span.name: (who, span) for who, span in collector.spans() if span.trace_id == trace}

    spans = of(good)
    assert set(spans) == {"create", "build", "assemble", "publish"}
    assert spans["create"][0] == "packmule-api"
    assert spans["build"][0] == "packmule-worker"
    assert spans["create"][1].parent_span_id == b""
    assert spans["create"][1].links[0].trace_id.hex() == CALLERS
    assert spans["build"][1].parent_span_id == spans["create"][1].span_id
    for name in ("assemble", "publish"):
        assert spans[name][1].parent_span_id == spans["build"][1].span_id
    spans = of(bad)
    assert spans["build"][1].status.message == "files-failed"
    sent = b"".join(collector.bodies)
    for secret in (b"topsecret", b"secret-path", good.encode(), bad.encode()):
        assert secret not in sent
