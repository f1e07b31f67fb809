"""What is noted of a request: its id, its line, its numbers; and who may read the numbers."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from packmule.telemetry.context import fields_of
from packmule.telemetry.metrics import DOWNLOAD_BYTES, REQUESTS
from packmule.web.services import MetricsPage

if TYPE_CHECKING:
    from tests.unit.web.conftest import App

PAGE = MetricsPage(lambda: (b"packmule_x 1\n", "text/plain"))


def test_an_id_of_the_callers_comes_back(app: App) -> None:
    answer = app.ask("GET", "/healthz", headers={"X-Request-ID": "trace-1.2_b"})
    assert answer.headers["X-Request-ID"] == "trace-1.2_b"


@pytest.mark.parametrize("given", ["", "a b", "-x", "x" * 65, "ü", "a\tb", "<b>"])
def test_an_id_that_could_do_harm_is_replaced(app: App, given: str) -> None:
    answer = app.ask("GET", "/healthz", headers={"X-Request-ID": given.encode()})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-ID"])


def test_also_what_is_refused_at_the_door_has_an_id(app: App) -> None:
    answer = app.ask("POST", "/api/archive/create", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert answer.headers["X-Request-ID"]


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "packmule.access"]


def test_the_access_log_tells_the_route_and_never_the_address(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.change(access_log=True)
    with caplog.at_level(logging.INFO, logger="packmule.access"):
        app.ask("GET", f"/api/archive/status/{'a' * 32}?wait=0&token=topsecret")
        app.ask("GET", "/nothing/topsecret")
    first, second = (record.getMessage() for record in lines(caplog))
    assert first.startswith(
        "request answered method=GET route=/api/archive/status/{archive_hash} status=404 seconds="
    )
    assert second.startswith("request answered method=GET route=none status=404 seconds=")
    assert "topsecret" not in caplog.text


def test_the_access_log_is_silent_at_info_unless_it_is_on(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="packmule.access"):
        app.ask("GET", "/healthz")
    assert lines(caplog) == []


def test_a_line_of_a_request_has_its_id_and_its_job(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[dict[str, object]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(dict(fields_of(record)))

    logger = logging.getLogger("packmule")
    handler = Handler()
    logger.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, logger="packmule"):
            answer = app.ask(
                "POST",
                "/api/archive/create",
                json={"urls": ["http://origin.example/a?secret"]},
                headers={"X-Request-ID": "r1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            )
    finally:
        logger.removeHandler(handler)
    of_request = {"request": "r1", "trace_id": "a" * 32}
    assert {**of_request, "job": answer.json()["archive_hash"]} in seen
    assert "secret" not in caplog.text


def test_requests_are_counted_by_template_whatever_is_asked_for(app: App) -> None:
    REQUESTS.clear()
    for number in range(30):
        app.ask("GET", f"/api/archive/status/{number:032x}")
        app.ask("GET", f"/nothing/{number}")
    counted = {series: count for series, count in REQUESTS.values() if count}
    assert counted == {
        ("/api/archive/status/{archive_hash}", "GET", "404"): 30,
        ("none", "GET", "404"): 30,
    }


def test_the_bytes_of_downloads_are_counted(app: App) -> None:
    archive_hash = app.completed(b"x" * 1000)
    [(_, before)] = DOWNLOAD_BYTES.values()
    app.ask("GET", f"/archive/get/{archive_hash}.zip")
    app.ask("GET", f"/archive/get/{archive_hash}.zip", headers={"Range": "bytes=0-99"})
    app.ask("HEAD", f"/archive/get/{archive_hash}.zip")
    [(_, after)] = DOWNLOAD_BYTES.values()
    assert after - before == 1100


@pytest.mark.parametrize(
    ("readers", "token", "headers", "status"),
    [
        ("private", "", {}, 200),
        ("private", "", {"X-Forwarded-For": "192.0.2.1"}, 404),
        ("private", "", {"Via": "1.1 proxy"}, 404),
        ("all", "", {"X-Forwarded-For": "192.0.2.1"}, 200),
        ("none", "", {}, 404),
        ("none", "t" * 16, {"Authorization": "Bearer " + "t" * 16}, 404),
        ("private", "t" * 16, {}, 404),
        ("all", "t" * 16, {"Authorization": "Bearer x"}, 404),
        ("all", "t" * 16, {"Authorization": "Bearer " + "t" * 16}, 200),
        ("private", "t" * 16, {"Authorization": "Bearer " + "t" * 16, "Via": "p"}, 200),
    ],
)
def test_who_may_read_the_metrics(
    app: App, readers: str, token: str, headers: dict[str, str], status: int
) -> None:
    app.change(metrics=MetricsPage(PAGE.text, readers=readers, token=token))
    assert app.ask("GET", "/metrics", headers=headers).status_code == status


def test_a_public_client_may_not_read_the_metrics(app: App) -> None:
    app.change(metrics=PAGE)
    for client, status in {
        "127.0.0.1": 200, "::1": 200, "::ffff:10.0.0.1": 200, "172.17.0.2": 200,
        "8.8.8.8": 404, "2606:4700::1": 404, "::ffff:8.8.8.8": 404, "not an address": 404,
    }.items():  # fmt: skip
        assert app.ask("GET", "/metrics", peer=client).status_code == status, client
