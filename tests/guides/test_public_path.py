"""Behind Caddy and nginx under a path of another site, as their guides set it up."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import pytest
from tests.fakes.documents import blocks, settings_in
from tests.fakes.proxying import NAME, PATH, caddy, nginx
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.origin import Origin

SITE = f"https://{NAME}"
FORM = {"Origin": SITE, "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(
    params=[
        pytest.param("caddy", marks=pytest.mark.needs("caddy")),
        pytest.param("nginx", marks=[pytest.mark.needs("nginx"), pytest.mark.long]),
    ],
    scope="module",
)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Give a client of the site, where the service is under `PATH` and nothing else is."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    archives, before = folder / "data/archives", folder / request.param
    with Service(folder) as service:
        service.environment |= settings_in(blocks(f"docs/guides/{request.param}.md", "ini")[1])
        service.start()
        run = (
            caddy(before, service.port, under_path=True)
            if request.param == "caddy"
            else nginx(before, service.port, archives, under_path=True)
        )
        with (
            run as port,
            httpx.Client(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Host": NAME},
                timeout=60,
                trust_env=False,
            ) as client,
        ):
            yield client


def links(page: httpx.Response, path: str) -> set[str]:
    """Return the paths that a page's links, files and forms lead to."""
    found = re.findall(r'(?:href|src|action)="([^"#]+)"', page.text)
    return {urljoin(path, each) for each in found}


def finished(site: httpx.Client, status: str) -> httpx.Response:
    """Wait for the end of a job at the path of its status."""
    while True:
        answer = site.get(status, params={"wait": 30})
        if answer.json()["status"] != "in-progress":
            return answer


@pytest.mark.parametrize("path", [f"{PATH}/", f"{PATH}/docs"])
def test_all_that_a_page_needs_is_under_the_path(site: httpx.Client, path: str) -> None:
    page = site.get(path)
    assert page.status_code == 200
    found = links(page, path)
    assert any("/static/" in each for each in found)
    for each in found:
        assert each.startswith(f"{PATH}/")
        expected = {405} if each == f"{PATH}/archives" else {200}
        assert site.get(each).status_code in expected, each


def test_the_path_without_a_slash_leads_to_the_page_by_the_same_scheme(site: httpx.Client) -> None:
    answer = site.get(PATH)
    assert answer.is_redirect
    assert answer.headers["location"] == f"{PATH}/"


def test_create_status_events_and_download_are_under_the_path(
    site: httpx.Client, origin: Origin
) -> None:
    link = origin.put("/under/a.bin", b"body" * 1000)
    created = site.post(f"{PATH}/api/archive/create", json={"urls": [link]})
    hash_ = created.json()["archive_hash"]
    status = created.headers["location"]
    assert status == f"{PATH}/api/archive/status/{hash_}"
    archive = finished(site, status).json()["url"]
    assert archive == f"{SITE}{PATH}/archive/get/{hash_}.zip"
    download = site.get(archive.removeprefix(SITE))
    assert download.headers["content-type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(download.content)).read("a.bin") == b"body" * 1000
    events = site.get(f"{PATH}/api/archive/events/{hash_}").text
    [told] = [line for line in events.splitlines() if line.startswith("data:")]
    assert json.loads(told.removeprefix("data:"))["url"] == archive


def test_the_form_without_scripts_stays_under_the_path(site: httpx.Client, origin: Origin) -> None:
    link = origin.put("/under/b.bin", b"b")
    posted = site.post(f"{PATH}/archives", headers=FORM, content=f"links={link}")
    assert posted.status_code == 303
    page = urljoin(f"{PATH}/archives", posted.headers["location"])
    hash_ = page.removeprefix(f"{PATH}/archives/")
    finished(site, f"{PATH}/api/archive/status/{hash_}")
    shown = links(site.get(page), page)
    assert f"{PATH}/archive/get/{hash_}.zip" in shown
    assert {site.get(each).status_code for each in shown} == {200}


def test_the_description_names_the_public_url(site: httpx.Client) -> None:
    document = site.get(f"{PATH}/openapi.json").json()
    assert document["servers"] == [{"url": f"{SITE}{PATH}"}]
