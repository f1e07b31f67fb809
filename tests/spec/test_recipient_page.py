"""GET /a/<hash>: the page for someone who was sent the link, and words instead of JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

NO_JOB = "0" * 32
# What browsers send when a link is opened.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(5_000)


def opened(service: Service, path: str) -> httpx.Response:
    answer = service.client.get(path, headers=BROWSER)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-robots-tag"] == "noindex"
    return answer


def create(service: Service, origin: Origin, **more: str) -> str:
    return service.completed(
        {"url": origin.put("/a/one.png?secret=1", PICTURE), "name": "may/one.png"},
        {"url": origin.put("/a/clip.mp4", b"video" * 400), "name": "clip <b>.mp4"},
        origin.put("/a/notes.txt", b"notes"),
        **more,
    )


def test_the_page_says_what_the_archive_holds_and_leads_to_it(
    service: Service, origin: Origin
) -> None:
    hash_ = create(service, origin, name="holiday.zip")
    answer = opened(service, f"/a/{hash_}")
    assert answer.status_code == 200
    assert '<h1 id="title">holiday.zip</h1>' in answer.text
    assert "3 files, " in answer.text
    assert "Available until " in answer.text
    links = re.findall(r'(?:href|src)="([^"]+)"', answer.text)
    assert f"../archive/get/{hash_}.zip" in links
    for link in links:
        found = service.client.get(urljoin(f"/a/{hash_}", link))
        assert found.status_code == 200, link
    assert answer.text.count("<img loading") == 1
    assert answer.text.count("<video") == 1


def test_names_are_escaped_and_the_links_of_the_sources_stay_secret(
    service: Service, origin: Origin
) -> None:
    page = opened(service, f"/a/{create(service, origin)}").text
    assert "<b>" not in page
    assert "secret" not in page
    assert origin.url("/a/") not in page


def test_a_missing_file_is_mentioned(service: Service, origin: Origin) -> None:
    kept = origin.put("/a/kept.txt", b"kept")
    hash_ = service.completed(kept, origin.url("/status/gone"), on_error="skip")
    page = opened(service, f"/a/{hash_}").text
    assert "1 file, " in page
    assert "1 file is missing: it could not be fetched." in page


def test_an_archive_in_progress_reloads_until_it_is_ready(service: Service, origin: Origin) -> None:
    slow = origin.put("/a/slow.bin", bytes(100_000), held_from=10)
    hash_ = service.create(slow, name="slow.zip")
    answer = opened(service, f"/a/{hash_}")
    assert "slow.zip is being created" in answer.text
    assert answer.headers["refresh"] == "5"
    origin.release("/a/slow.bin")
    service.outcome(hash_)
    assert "refresh" not in opened(service, f"/a/{hash_}").headers


def test_every_other_state_is_put_into_words(service: Service, origin: Origin) -> None:
    failed = service.create(origin.url("/status/none"))
    service.outcome(failed)
    assert "could not be created" in opened(service, f"/a/{failed}").text
    deleted = create(service, origin, name="old.zip")
    service.client.delete(f"/api/archive/{deleted}")
    answer = opened(service, f"/a/{deleted}")
    assert answer.status_code in {404, 410}
    assert "removed" in answer.text


@pytest.mark.parametrize("path", ["/a/{}", "/archive/get/{}.zip", "/archive/get/{}/files/0"])
@pytest.mark.parametrize("hash_", [NO_JOB, "%3Cscript%3E", "short"])
def test_an_unknown_link_opened_in_a_browser_shows_words(
    service: Service, path: str, hash_: str
) -> None:
    answer = opened(service, path.format(hash_))
    assert answer.status_code == 404
    assert "There is no archive at this link" in answer.text
    assert "<script" not in answer.text
    style = re.search(r'href="([^"]+page\.css)"', answer.text)
    assert style is not None
    assert service.client.get(urljoin(path.format(hash_), style[1])).status_code == 200


def test_a_download_that_is_not_ready_shows_words_in_a_browser_and_json_elsewhere(
    service: Service, origin: Origin
) -> None:
    hash_ = service.create(origin.put("/a/later.bin", bytes(9_000), held_from=10))
    path = f"/archive/get/{hash_}.zip"
    assert opened(service, path).status_code == 409
    for accept in ("*/*", "application/json", "application/zip"):
        answer = service.client.get(path, headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/problem+json"
    origin.release("/a/later.bin")
    service.outcome(hash_)
