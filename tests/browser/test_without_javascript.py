"""The basic job where no script runs: a form, a page that reloads itself, the link at its end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def plain(browser: Browser, service: Service) -> Iterator[Page]:
    """Give the page without JavaScript, reached by a name for which browsers say less of themselves
    (no Fetch Metadata without TLS)."""
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.goto(f"http://plain.example:{service.port}/")
    yield opened
    context.close()


def ask(page: Page, *lines: str) -> str:
    page.fill("#links", "\n".join(lines))
    page.click("#make")
    page.wait_for_url(re.compile("/archives/[0-9a-f]{32}$"))
    return page.url.rpartition("/")[2]


def test_a_form_leads_to_a_page_that_ends_with_the_link(
    plain: Page, service: Service, origin: Origin
) -> None:
    link = origin.put("/plain/a.bin", b"one", held_from=1)
    hash_ = ask(plain, "# mine", link, f"{link}\tb/c.bin")
    expect(plain.locator("#job-state")).to_have_text(re.compile("^(Preparing|Packing) 2 files$"))
    origin.release("/plain/a.bin")
    expect(plain.get_by_role("link", name="Download")).to_be_visible()  # nobody has clicked
    assert service.members(hash_) == {"a.bin": b"one", "b/c.bin": b"one"}
    assert plain.locator("code").inner_text().endswith(f"/archive/get/{hash_}.zip")


@pytest.mark.long
def test_what_is_wrong_is_told_by_line_and_nothing_typed_is_lost(plain: Page) -> None:
    plain.click("#options summary")
    plain.select_option("#on_error", "skip")
    plain.fill("#links", "# mine\nhttps://example.org/a\nhttps://ann@example.org/<b>")
    plain.fill("#name", 'a"b.zip')
    plain.click("#make")
    expect(plain.get_by_role("alert")).to_contain_text("Line 3: links with a user name or password")
    expect(plain.locator("#links")).to_have_value(re.compile("ann@example.org/<b>$"))
    expect(plain.locator("#name")).to_have_value('a"b.zip')
    assert plain.locator("[name=on_error]").get_attribute("value") == "skip"


@pytest.mark.long
def test_an_empty_form_asks_for_a_link(plain: Page) -> None:
    plain.click("#make")
    expect(plain.get_by_role("alert")).to_have_text("Add at least one link.")


@pytest.mark.long
def test_a_failed_job_is_finished_without_what_failed(plain: Page, origin: Origin) -> None:
    ask(plain, origin.put("/skip/a.txt", b"one"), origin.url("/skip/<b>gone.txt"))
    expect(plain.locator("#job-state")).to_have_text("1 of 2 files couldn't be fetched")
    expect(plain.locator("li")).to_contain_text("the origin answered 404")
    plain.click("text=Get the ZIP with 1 file")
    expect(plain.get_by_role("link", name="Download")).to_be_visible()


@pytest.mark.long
def test_reloading_can_be_stopped_and_the_job_cancelled(plain: Page, origin: Origin) -> None:
    ask(plain, origin.put("/stop/a.bin", bytes(4_000_000), held_from=100_000))
    plain.click("text=Stop reloading")
    assert plain.url.endswith("?still")
    expect(plain.locator("text=Stop reloading")).to_have_count(0)
    plain.click("text=Cancel")
    expect(plain.locator("#job-state")).to_have_text("Cancelled")
