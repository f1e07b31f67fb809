"""Pages of strangers that reach the service through a visitor's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.attacks.stage import attack

if TYPE_CHECKING:
    from tests.attacks.stage import Stage

EVIL = "rebound.evil.example"
JOB = {"urls": ["https://example.com/a"]}
DISGUISES: tuple[dict[str, str], ...] = (
    {},
    {"X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"},
    {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{EVIL}"},
)


@attack("a page whose own name leads to the service (DNS rebinding)")
def dns_rebinding(stage: Stage, _size: int) -> None:
    with stage.usual_service() as service:
        client = service.client
        for disguise in DISGUISES:
            for host in (EVIL, f"{EVIL}:{service.port}", "localhost.evil.example", "example.org"):
                headers = {"Host": host, **disguise}
                made = client.post("/api/archive/create", json=JOB, headers=headers)
                assert made.status_code == 421, (headers, made.status_code)
                for path in ("/", "/metrics", "/readyz", "/docs", f"/archive/get/{'0' * 32}.zip"):
                    read = client.get(path, headers=headers)
                    assert read.status_code == 421, (path, headers, read.status_code)
        assert client.get("/healthz", headers={"Host": "a.example.org"}).status_code == 200


@attack("a page that calls itself a neighbour: the same host, another port")
def neighbour(stage: Stage, _size: int) -> None:
    with stage.usual_service() as service:
        for origin in (f"http://127.0.0.1:{service.port + 1}", "http://6.6.6.6", "null"):
            headers = {"Origin": origin}
            made = service.client.post("/api/archive/create", json=JOB, headers=headers)
            assert made.status_code == 403, (origin, made.status_code)
            assert "access-control-allow-origin" not in made.headers
