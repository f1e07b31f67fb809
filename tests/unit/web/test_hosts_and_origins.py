"""What the application answers to foreign hosts, and to pages of other origins (CORS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.web.conftest import App

LINK = "https://example.com/a"
PATHS = ("/", "/docs", "/healthz", "/readyz", "/metrics", "/openapi.json", "/nothing/here")
APP = "https://app.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_is_misdirected_wherever_it_asks(app: App, path: str) -> None:
    answer = app.ask("GET", path, headers={"Host": "evil.example:8000"})
    assert (answer.status_code, answer.json()["code"]) == (421, "foreign-host")
    detail = answer.json()["detail"]
    assert "evil.example:" in detail
    assert "PACKMULE_PUBLIC_URL" in detail
    assert "PACKMULE_ALLOW_HOSTS" in detail
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_under_a_foreign_host_makes_no_job(app: App) -> None:
    headers = {
        "Host": "evil.example",
        "Origin": "http://evil.example",
        "Sec-Fetch-Site": "same-origin",
    }
    answer = app.ask("POST", "/api/archive/create", json={"urls": [LINK]}, headers=headers)
    assert (answer.status_code, app.queued) == (421, [])


def test_a_forwarded_host_counts_for_nothing(app: App) -> None:
    forwarded = {"X-Forwarded-Host": "public.example", "Forwarded": "host=public.example"}
    answer = app.ask("GET", "/healthz", headers={"Host": "evil.example", **forwarded})
    assert answer.status_code == 421
    answer = app.ask("GET", "/healthz", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["192.0.2.1:8000", "[2001:db8::1]", "localhost", "a.localhost:80"])
def test_addresses_and_localhost_are_answered(app: App, host: str) -> None:
    assert app.ask("GET", "/healthz", headers={"Host": host}).status_code == 200


def test_two_hosts_are_a_bad_request(app: App) -> None:
    answer = app.ask("GET", "/healthz", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        # Only with the port that the request came to: another port is another service's page.
        ("192.0.2.1:8000", "http://192.0.2.1:8000", 202),
        ("192.0.2.1:8000", "http://192.0.2.1:3000", 403),
        ("192.0.2.1:8000", "http://192.0.2.2:8000", 403),
        ("localhost:8000", "http://localhost", 403),
        ("test", "https://test", 202),
        # A proxy may put its own name for the service into Host.
        ("test", "https://public.example", 202),
        ("test", "http://public.example", 403),
        ("test", "https://public.example:444", 403),
    ],
)
def test_an_origin_is_ours_only_with_its_port(
    app: App, host: str, origin: str, status: int
) -> None:
    headers = {"Host": host, "Origin": origin}
    answer = app.ask("POST", "/api/archive/create", json={"urls": [LINK]}, headers=headers)
    assert answer.status_code == status


def cors_headers(answer: object) -> list[str]:
    headers = getattr(answer, "headers", {})
    return [name for name in headers if name.startswith("access-control-")]


def test_without_the_setting_no_other_origin_is_told_anything(app: App) -> None:
    for method in ("GET", "OPTIONS"):
        answer = app.ask(method, "/api/archive/create", headers={"Origin": APP, **PREFLIGHT})
        assert (answer.status_code, cors_headers(answer)) == (405, [])


def test_pages_of_an_allowed_origin_may_create_and_read(app: App) -> None:
    app.change(allow_origins=(APP,))
    asked = app.ask("OPTIONS", "/api/archive/create", headers={"Origin": APP, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == APP
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in asked.headers
    headers = {"Origin": APP, "Sec-Fetch-Site": "cross-site"}
    made = app.ask("POST", "/api/archive/create", json={"urls": [LINK]}, headers=headers)
    assert made.status_code == 202
    assert made.headers["access-control-allow-origin"] == APP
    shown = made.headers["access-control-expose-headers"].split(", ")
    assert {"Location", "Retry-After", "ETag", "Content-Range"} <= set(shown)
    assert "Origin" in made.headers["vary"]


def test_errors_can_be_read_by_pages_of_an_allowed_origin(app: App) -> None:
    app.change(allow_origins=(APP,))
    answer = app.ask("GET", "/nothing/here", headers={"Origin": APP})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (404, APP)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://app.example", "null"])
def test_pages_of_other_origins_stay_out(app: App, origin: str) -> None:
    app.change(allow_origins=(APP,))
    asked = app.ask("OPTIONS", "/api/archive/create", headers={"Origin": origin, **PREFLIGHT})
    assert (asked.status_code, asked.json()["code"]) == (403, "cross-origin")
    assert "access-control-allow-origin" not in asked.headers
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    made = app.ask("POST", "/api/archive/create", json={"urls": [LINK]}, headers=headers)
    assert (made.status_code, app.queued) == (403, [])
    assert "access-control-allow-origin" not in made.headers
