"""The page's files: compressed where a client takes that, and all of them announced beforehand."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.web.conftest import App

STATIC = files("packmule.web") / "static"


def test_every_module_is_announced_so_that_none_waits_for_another() -> None:
    page = (STATIC / "page.html").read_text()
    announced = set(re.findall(r'rel="modulepreload" href="static/([a-z]+\.js)"', page))
    named = set(re.findall(r'<script[^>]* src="static/([a-z]+\.js)"', page))
    assert announced | named == {
        each.name for each in STATIC.iterdir() if each.name.endswith(".js")
    }


def test_files_are_compressed_for_clients_that_take_it(app: App) -> None:
    plain = app.ask("GET", "/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    page = app.ask("GET", "/", headers={"Accept-Encoding": "br, gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["vary"] == "Accept-Encoding"
    assert page.text == plain.text
    assert int(page.headers["content-length"]) < len(plain.content) / 2
    assert page.headers["etag"] != plain.headers["etag"]


def test_a_compressed_file_that_a_browser_has_is_not_sent_again(app: App) -> None:
    headers = {"Accept-Encoding": "gzip"}
    etag = app.ask("GET", "/docs", headers=headers).headers["etag"]
    again = app.ask("GET", "/docs", headers=headers | {"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_the_description_is_written_out_once_and_revalidated(app: App) -> None:
    first = app.ask("GET", "/openapi.json")
    assert first.headers["content-type"] == "application/json"
    assert first.headers["content-encoding"] == "gzip"
    assert first.json()["info"]["title"] == "Packmule"
    again = app.ask("GET", "/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
