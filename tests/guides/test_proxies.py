"""Behind Caddy and nginx, as their guides set them up: all that a proxy could get in the way of."""

from __future__ import annotations

import io
import random
import time
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fakes.documents import blocks, settings_in
from tests.fakes.proxying import NAME, caddy, nginx
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin

BODY = random.Random(6).randbytes(1_000_000)
SETTINGS = {
    proxy: settings_in(blocks(f"docs/guides/{proxy}.md", "ini")[0]) for proxy in ("caddy", "nginx")
}


@pytest.fixture(
    params=[
        pytest.param("caddy", marks=[pytest.mark.needs("caddy"), pytest.mark.long]),
        pytest.param("nginx", marks=pytest.mark.needs("nginx")),
    ],
    scope="module",
)
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[
    tuple[Service, int]
]:  # fmt: skip
    """Give the service with the settings of a guide, and the port of the proxy before it."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    archives = folder / "data/archives"
    with Service(folder, RATE_LIMIT="2/min", ATTEMPTS="1") as service:
        service.environment |= SETTINGS[request.param]
        service.start()
        before = folder / request.param
        run = (
            caddy(before, service.port)
            if request.param == "caddy"
            else nginx(before, service.port, archives)
        )
        with run as port:
            yield service, port


@contextmanager
def client(port: int, address: str) -> Iterator[httpx.Client]:
    """Give a client that asks the proxy by its name, from an address of its own."""
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Host": NAME},
        transport=transport,
        timeout=60,
        trust_env=False,
    ) as asking:
        yield asking


def created(asking: httpx.Client, link: str) -> str:
    answer = asking.post("/api/archive/create", json={"urls": [link]})
    assert answer.status_code == 202, answer.text
    archive_hash: str = answer.json()["archive_hash"]
    return archive_hash


def test_an_archive_is_asked_for_awaited_and_downloaded_in_ranges(
    behind: tuple[Service, int], origin: Origin
) -> None:
    _, port = behind
    with client(port, "127.0.0.2") as asking:
        archive_hash = created(asking, origin.put("/proxies/a.bin", BODY, rate=2_000_000))
        status = asking.get(f"/api/archive/status/{archive_hash}", params={"wait": 30}).json()
        while status["status"] == "in-progress":
            status = asking.get(f"/api/archive/status/{archive_hash}", params={"wait": 30}).json()
        assert status["url"].endswith(f"://{NAME}/archive/get/{archive_hash}.zip")
        path = f"/archive/get/{archive_hash}.zip"
        whole = asking.get(path)
        etag = whole.headers["etag"]
        part = asking.get(path, headers={"Range": "bytes=1000-", "If-Range": etag})
        page = asking.get("/", headers={"Accept": "text/html"})
    assert zipfile.ZipFile(io.BytesIO(whole.content)).read("a.bin") == BODY
    assert part.status_code == 206
    assert part.content == whole.content[1000:]
    assert "<form" in page.text


def test_events_come_as_they_happen(behind: tuple[Service, int], origin: Origin) -> None:
    _, port = behind
    with client(port, "127.0.0.3") as asking:
        # It ends only when cancelled: what a proxy kept until the end would not come.
        link = origin.put("/proxies/slow.bin", BODY, held_from=20_000)
        archive_hash = created(asking, link)
        begun = time.monotonic()
        with asking.stream("GET", f"/api/archive/events/{archive_hash}") as answer:
            first = next(line for line in answer.iter_lines() if line.startswith("event:"))
            assert first == "event: progress"
            assert time.monotonic() - begun < 25
        assert asking.post(f"/api/archive/cancel/{archive_hash}").is_success


def test_each_client_is_counted_by_its_own_address_whatever_it_says(
    behind: tuple[Service, int], origin: Origin
) -> None:
    _, port = behind
    link = origin.put("/proxies/small.bin", b"small")
    with client(port, "127.0.0.4") as one, client(port, "127.0.0.5") as other:
        found = [
            asking.post(
                "/api/archive/create",
                json={"urls": [link]},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            ).status_code
            for number, asking in enumerate([one, one, one, other])
        ]
    assert found == [202, 202, 429, 202]
