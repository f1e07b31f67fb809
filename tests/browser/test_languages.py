"""The page speaks the browser's language, and the script sees a job as the server does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.fakes.statuses import STATUSES

from packmule.web.language import LANGUAGES
from packmule.web.views import view_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

pytestmark = pytest.mark.needs("chromium")

VIEWS = """async given => {
  const place = document.querySelector("script[type=module]").src.replace("page.js", "views.js");
  const { viewOf } = await import(place);
  return given.map(viewOf);
}"""
LONG = 12
"""Characters from which a string of the table is not found by chance."""


@pytest.fixture(params=sorted(LANGUAGES))
def speaking(browser: Browser, service: Service, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give the page in each language."""
    context = browser.new_context(locale=request.param)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(service.url)
    yield page
    context.close()


def language(page: Page) -> str:
    return page.locator("html").get_attribute("lang") or ""


def test_the_script_finds_the_same_views_as_the_server(speaking: Page) -> None:
    said = speaking.evaluate(VIEWS, list(STATUSES.values()))
    mine = LANGUAGES[language(speaking)]
    views = [view_of(each) for each in STATUSES.values()]
    assert said == [
        {
            "name": view.name,
            "tone": view.tone,
            "title": mine(view.title, **view.values),
            "actions": list(view.actions),
        }
        for view in views
    ]


@pytest.fixture
def german(browser: Browser, service: Service) -> Iterator[Page]:
    """Give the page of a browser that asks for German."""
    context = browser.new_context(locale="de-DE", timezone_id="Europe/Berlin")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(service.url)
    yield page
    context.close()


def english_on(page: Page) -> list[str]:
    """List the strings of the English table that are seen on the page."""
    text = page.locator("body").inner_text()
    strings = LANGUAGES["en"].strings.items()
    return [
        string
        for key, string in strings
        if isinstance(string, str)
        and len(string) > LONG
        and "{" not in string
        and string != LANGUAGES["de"].strings[key]
        and string in text
    ]


def test_in_german_nothing_is_said_in_english(german: Page, origin: Origin) -> None:
    assert german.locator("html").get_attribute("lang") == "de"
    german.fill("#links", "www.example.org\nftp://example.org/a\nhttps://example.org/a.jpg")
    german.locator("#links").blur()
    expect(german.locator("#wrong")).to_contain_text("Zeile 1: der Link muss mit http://")
    assert english_on(german) == []
    german.fill("#links", f"{origin.put('/de/a.txt', bytes(1_500_000))}\n{origin.url('/de/gone')}")
    german.click("#make")
    expect(german.locator("#job-state")).to_have_text(
        "1 von 2 Dateien konnten nicht geladen werden"
    )
    expect(german.locator(".failure")).to_contain_text("Nicht gefunden (404)")
    expect(german.locator(".rows li")).to_have_count(2)
    assert english_on(german) == []
    german.click("text=ZIP mit 1 Datei holen")
    expect(german.locator("#download")).to_have_text(re.compile(r"^Herunterladen, [\d,]+ kB$"))
    assert english_on(german) == []
