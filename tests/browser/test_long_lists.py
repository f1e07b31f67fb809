"""Ten thousand files: pasted, asked for, and each of them looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from playwright.sync_api import Page, Request
    from tests.fakes.origin import Origin

pytestmark = [pytest.mark.long, pytest.mark.needs("chromium")]

FILES = 10_000
MOST_ROWS = 60
"""More than fit on a screen, fewer than a browser would notice."""

BOTTOM = "element => { element.scrollTop = element.scrollHeight }"


def paste(page: Page, links: Iterable[str]) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", "\n".join(links))
    page.locator("#links").focus()
    page.keyboard.press("Control+V")


@pytest.mark.timeout(400)
def test_of_ten_thousand_files_only_those_in_sight_are_in_the_document(
    page: Page, origin: Origin, record_property: Callable[[str, object], None]
) -> None:
    page.set_default_timeout(60_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(_files(request)))
    slow = origin.put("/many", b"one", latency=30.0)
    paste(page, (f"{slow}?n={n}\t{n}.bin" for n in range(FILES)))
    expect(page.locator("#links-count")).to_have_text("10,000 links")
    page.click("#make")
    expect(page.locator("#files summary")).to_have_text("10,000 files")
    rows = page.locator(".rows li")
    expect(rows.first).to_contain_text("0.bin")
    assert rows.count() <= MOST_ROWS
    page.locator(".rows-window").evaluate(BOTTOM)
    last = page.locator(f'.rows li[aria-posinset="{FILES}"]')
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("aria-setsize", str(FILES))
    expect(last.locator(".file-name")).to_contain_text(f"{FILES - 1}.bin")
    assert rows.count() <= MOST_ROWS
    record_property("files", FILES)
    record_property("rows", rows.count())
    # What lies between was never asked for.
    positions = {int(found[1]) for each in asked if (found := re.search(r"cursor=(\d+)", each))}
    assert positions <= set(range(300)) | set(range(FILES - 400, FILES))
    page.click("text=Cancel")
    expect(page.locator("#job-state")).to_have_text("Cancelled")


def _files(request: Request) -> str:
    return request.url if "/files/" in request.url else ""


def test_a_thousand_failures_are_told_by_their_reason(page: Page, origin: Origin) -> None:
    paste(page, (origin.url(f"/none/{n}") for n in range(1_200)))
    page.click("#make")
    expect(page.locator(".failure summary")).to_have_text(
        "Not found (404) 1,000 files", timeout=60_000
    )
    expect(page.locator(".failures")).to_contain_text("These are the first 1,000.")
    page.get_by_role("button", name="Failed").click()
    expect(page.locator(".rows li").first).to_contain_text("Not found (404)")
    window = page.locator(".rows-window")
    last = page.locator('.rows li[aria-posinset="1200"]')
    for _ in range(60):  # read on, a hundred at a time
        window.evaluate(BOTTOM)
        if last.count():
            break
        page.wait_for_timeout(100)
    expect(last).to_be_attached()
