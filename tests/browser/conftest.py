"""The running program, an origin, and a page of it in the system's Chromium.

A browser lives for the tests of one file: Playwright's loop would be in the way of whoever wants
one of their own in the same process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.browser.chromium import Watch, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.spec.service import Service

expect.set_options(timeout=60_000)  # milliseconds: what takes longer hangs


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    with chromium() as running:
        yield running


def _profile(browser: Browser) -> BrowserContext:
    fresh = browser.new_context(locale="en-GB", viewport={"width": 900, "height": 800})
    fresh.set_default_timeout(60_000)
    return fresh


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Give a browser's profile that knows nothing yet."""
    fresh = _profile(browser)
    yield fresh
    fresh.close()


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """Give a profile for the tests of one file, which has the page's scripts already."""
    kept = _profile(browser)
    yield kept
    kept.close()


@pytest.fixture
def page(profile: BrowserContext, service: Service) -> Iterator[Page]:
    """Give the page, opened in a tab of its own; whatever goes wrong in it fails the test."""
    opened = profile.new_page()
    watch = Watch(opened, service.url)
    forget = {"origin": service.url, "storageTypes": "local_storage"}
    profile.new_cdp_session(opened).send("Storage.clearDataForOrigin", forget)
    opened.goto(service.url)
    yield opened
    for each in profile.pages:
        each.close()
    assert watch.faults == []
