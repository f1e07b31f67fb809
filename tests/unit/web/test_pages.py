"""The page's files: compressed where a client takes that, and all of them announced beforehand."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from importlib.resources import files
from typing import TYPE_CHECKING

from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.bounds import RequestBounds
from packmule.web.services import Access

if TYPE_CHECKING:
    from tests.unit.web.conftest import App

STATIC = files("packmule.web") / "static"
LATER = {"qr.js", "qr_codewords.js"}
"""Fetched when they are needed."""


def test_every_module_is_announced_so_that_none_waits_for_another(app: App) -> None:
    page = app.ask("GET", "/", headers={"Accept-Language": "de"}).text
    announced = set(re.findall(r'rel="modulepreload" href="static/\w+/([\w.]+\.js)"', page))
    named = set(re.findall(r'<script[^>]* src="static/\w+/([\w.]+\.js)"', page))
    ours = {each.name for each in STATIC.iterdir() if each.name.endswith(".js")}
    assert announced | named == ours - LATER - {"early.js"} | {"strings.de.js", "view_table.js"}


def test_the_modules_of_the_form_are_announced_before_those_of_a_job(app: App) -> None:
    announced = re.findall(r'modulepreload" href="static/\w+/([\w.]+)', app.ask("GET", "/").text)
    last_of_form = max(map(announced.index, ("ask.js", "gutter.js", "which.js", "keeping.js")))
    assert last_of_form < min(map(announced.index, ("actions.js", "files.js", "job.js", "rows.js")))


def test_what_is_inline_is_named_by_the_policy_and_nothing_else_may_be(app: App) -> None:
    answer = app.ask("GET", "/")
    policy = answer.headers["content-security-policy"]
    inline = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", answer.text, re.DOTALL)
    assert len(inline) == 2
    for each in inline:
        digest = b64encode(hashlib.sha256(each.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "sha256" not in app.ask("GET", "/docs").headers["content-security-policy"]


def test_a_page_is_in_the_language_that_the_browser_asks_for(app: App) -> None:
    hash_ = app.completed(b"archive")
    for path in ("/", f"/a/{hash_}", f"/archives/{hash_}", "/a/unknown", "/archives/unknown"):
        for asked, tag in {"de-DE,de;q=0.9": "de", "fr": "en"}.items():
            headers = {"Accept-Language": asked, "Accept": "text/html"}
            answer = app.ask("GET", path, headers=headers)
            assert answer.headers["content-language"] == tag, path
            assert "Accept-Language" in answer.headers["vary"], path
            assert f'<html lang="{tag}"' in answer.text, path


def test_the_page_says_what_the_operator_has_set(app: App) -> None:
    bounds = RequestBounds(max_urls=1_500, retention=2 * 86_400.0)
    app.change(bounds=bounds, access=Access(keys=Keyring(parse_keys("ann:" + "k" * 32))))
    page = app.ask("GET", "/").text
    assert "keeps the ZIP for 2 days" in page
    assert "At most 1,500 links." in page
    assert 'data-most-links="1500" data-needs-key>' in page
    spans = page.partition('name="expires_in"')[2].partition("</select>")[0]
    assert re.findall(r'value="(\d*)"', spans) == ["", "3600", "86400"]


def test_the_page_can_be_installed_and_links_shared_to_it(app: App) -> None:
    answer = app.ask("GET", "/manifest.webmanifest", headers={"Accept-Language": "de"})
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert manifest["lang"] == "de"
    assert manifest["share_target"]["params"] == {"title": "title", "text": "text", "url": "url"}
    for icon in manifest["icons"]:
        found = app.ask("GET", f"/{icon['src']}")
        assert (found.status_code, found.headers["content-type"]) == (200, icon["type"])
        assert "immutable" in found.headers["cache-control"]


def test_the_icon_shows_progress(app: App) -> None:
    icon = re.search(r'"(static/\w+/icon)\.svg"', app.ask("GET", "/").text)
    assert icon is not None
    for percent in (0, 55, 95):
        answer = app.ask("GET", f"/{icon[1]}-{percent}.svg")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


def test_files_are_compressed_for_clients_that_take_it(app: App) -> None:
    plain = app.ask("GET", "/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    page = app.ask("GET", "/", headers={"Accept-Encoding": "br, gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["vary"] == "Accept-Encoding, Accept-Language"
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
