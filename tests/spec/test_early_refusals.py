"""A refusal that is sent while a client still sends its body reaches it, whatever the client."""

from __future__ import annotations

import http.client
import subprocess
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIZE = 30_000_000
KEY = "0123456789abcdef0123456789abcdef"
GZIP = {"Content-Encoding": "gzip"}
WITH_KEY = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service that requires a key."""
    with Service(tmp_path_factory.mktemp("guarded"), API_KEYS=f"ann:{KEY}") as service:
        service.start()
        yield service


def by_curl(url: str, headers: dict[str, str], file: Path, *, expect: str = "") -> int:
    """Post a file with curl, which sends it without being asked to if `expect` is empty."""
    fields = [f"{name}: {value}" for name, value in headers.items()]
    given = [word for field in [*fields, f"Expect:{expect}"] for word in ("-H", field)]
    told = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", f"@{file}"]
    return int(subprocess.run([*told, *given, url], capture_output=True, check=True).stdout)


def by_curl_with_leave(url: str, headers: dict[str, str], file: Path) -> int:
    """Post a file with curl as it is."""
    return by_curl(url, headers, file, expect=" 100-continue")


def by_http_client(url: str, headers: dict[str, str], file: Path) -> int:
    """Post a file with the standard library, which sends all of it before it reads."""
    parts = httpx.URL(url)
    connection = http.client.HTTPConnection(parts.host, parts.port, timeout=60)
    try:
        connection.request("POST", parts.path, file.read_bytes(), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def by_httpx(url: str, headers: dict[str, str], file: Path) -> int:
    """Post a file with httpx."""
    return httpx.post(url, content=file.read_bytes(), headers=headers, timeout=60).status_code


def by_httpx_in_chunks(url: str, headers: dict[str, str], file: Path) -> int:
    """Post a file with httpx, without saying how long it is."""
    with file.open("rb") as body:
        return httpx.post(url, content=iter(lambda: body.read(65_536), b""), headers=headers,
                          timeout=60).status_code  # fmt: skip


@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    "ask", [by_curl, by_curl_with_leave, by_http_client, by_httpx, by_httpx_in_chunks]
)
def test_a_client_that_sends_30_mb_gets_its_refusal(
    guarded: Service, tmp_path: Path, ask: Callable[[str, dict[str, str], Path], int]
) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"x" * SIZE)
    create = f"{guarded.url}/api/archive/create"
    assert ask(create, {}, file) == HTTPStatus.UNAUTHORIZED
    assert ask(create, WITH_KEY, file) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert ask(create, WITH_KEY | GZIP, file) == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert ask(f"{guarded.url}/nothing", {}, file) == HTTPStatus.NOT_FOUND
