"""Traces are made where they are asked for, and cost nothing elsewhere."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

from packmule.telemetry import tracing
from packmule.telemetry.otel import _links
from packmule.telemetry.trace_ids import callers_trace, ids_of

if TYPE_CHECKING:
    import pytest

# FastAPI imports the bare API of OpenTelemetry by itself, where it is installed.
NOT_ASKED = """
import sys
import packmule.cli.serve, packmule.web.app, packmule.assembly.build
from packmule.telemetry import tracing
tracing.start({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, "api")
tracing.start({}, "api")
tracing.note_request(None)
tracing.created("a" * 32)
with tracing.span("build", "a" * 32, attempt=1):
    tracing.fail("internal")
tracing.stop()
ours = "opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client", "packmule.telemetry.otel"
print([name for name in sys.modules if name.startswith(ours)])
"""


def test_nothing_is_imported_unless_it_is_asked_for() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", NOT_ASKED], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"


def test_without_the_extra_it_is_said_and_the_program_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "packmule.telemetry.otel", None)
    with caplog.at_level(logging.WARNING):
        tracing.start({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "api")
    assert "install packmule[otel]" in caplog.text
    with tracing.span("build", "a" * 32):
        tracing.stop()


def test_the_ids_of_a_job_tell_nothing_of_its_hash_and_are_its_own() -> None:
    one, other = ids_of("a" * 32), ids_of("b" * 32)
    assert one == ids_of("a" * 32)
    assert one.trace != other.trace
    assert one.span != other.span
    assert f"{one.trace:032x}" != "a" * 32


def test_a_traceparent_that_is_none_is_passed_over() -> None:
    good = f"00-{'a' * 32}-{'b' * 16}-01"
    assert len(_links(good)) == 1
    assert callers_trace(good) == "a" * 32
    for bad in (None, "", "x", good.upper(), good + "-", f"00-{'0' * 32}-{'b' * 16}-01"):
        assert _links(bad) == []
        assert callers_trace(bad) is None
