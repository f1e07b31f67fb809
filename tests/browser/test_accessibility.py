"""Every state of the page reads well to axe: light, dark, in forced colours, wide and narrow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

pytestmark = pytest.mark.needs("chromium")

LOOKS: tuple[tuple[Literal["light", "dark"], Literal["active", "none"]], ...] = (
    ("light", "none"),
    ("dark", "none"),
    ("light", "active"),
)
PHONE = 320


class Reader:
    """Looks at states, and counts them for the line of figures."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.states = 0
        self.violations: list[str] = []

    def look(self, state: str) -> None:
        """Look at what the page shows now: in all colours, on a phone, and with large text."""
        for scheme, forced in LOOKS:
            self.page.emulate_media(
                color_scheme=scheme, forced_colors=forced, reduced_motion="reduce"
            )
            found = Axe().run(self.page)
            self.states += 1
            self.violations += [
                f"{state}, {scheme}, forced colours {forced}: {each['id']}: {node['html'][:200]}"
                for each in found.response["violations"]
                for node in each["nodes"]
            ]
        self.page.emulate_media(forced_colors="none")
        self.fits(state, PHONE, "100%")
        self.fits(state, 900, "200%")

    def fits(self, state: str, width: int, text: str) -> None:
        """Look whether nothing is cut off in a window so wide, with text so large."""
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.evaluate("size => { document.documentElement.style.fontSize = size }", text)
        found = self.page.evaluate("document.documentElement.scrollWidth")
        assert found <= width, f"{state}, text of {text}: {found} pixels wide"
        self.page.evaluate("document.documentElement.style.fontSize = ''")
        self.page.set_viewport_size({"width": 900, "height": 800})

    def end(self, record: Callable[[str, object], None]) -> None:
        """Note the figures; fail with what was found."""
        record("axe_states", self.states)
        record("axe_violations", len(self.violations))
        assert self.violations == []


def test_the_form_reads_well_in_each_of_its_states(
    page: Page, record_property: Callable[[str, object], None]
) -> None:
    reader = Reader(page)
    reader.look("empty")
    long = "https://example.org/" + "long/" * 200
    page.fill("#links", f"{long}\n{long}\nnothing\nhttps://ann:pw@example.org/{'x' * 300}")
    page.locator("#links").blur()
    page.click("#options summary")
    page.click("#make")
    expect(page.locator("#ask-errors")).not_to_be_empty()
    reader.look("typing errors and options")
    page.evaluate("""() => { document.getElementById("key-asked").hidden = false }""")
    reader.look("a key is asked for")
    reader.end(record_property)


def test_a_job_reads_well_in_each_of_its_states(
    page: Page,
    service: Service,
    origin: Origin,
    record_property: Callable[[str, object], None],
) -> None:
    reader = Reader(page)
    good = origin.put(f"/axe/{'long' * 40}.txt", b"one")
    slow = origin.put("/axe/slow.bin", bytes(4_000_000), held_from=100_000)
    page.fill("#links", f"{good}\n{slow}")
    page.fill("#name", f"{'long' * 30}.zip")
    page.click("#make")
    expect(page.locator(".rows li")).to_have_count(2)
    expect(page.locator(".rows")).to_contain_text("3 bytes")
    reader.look("in progress")
    page.click("text=Cancel")
    expect(page.locator("#job-state")).to_have_text("Cancelled")
    reader.look("cancelled")
    page.goto(f"{service.url}/#{service.completed(good)}")
    page.click("text=QR code")
    expect(page.locator(".qr svg")).to_be_visible()
    reader.look("completed, with its code")
    dead = service.create(good, origin.url(f"/axe/{'gone' * 40}"))
    service.outcome(dead)
    page.goto(f"{service.url}/#{dead}")
    expect(page.locator(".failure")).to_be_visible()
    reader.look("failed")
    page.click("text=Fix links")
    reader.look("new links")
    page.reload()
    page.click("text=Get the ZIP with 1 file")
    expect(page.locator(".note")).to_be_visible()
    reader.look("completed without a file")
    page.goto(f"{service.url}/#{'0' * 32}")
    expect(page.locator("#job-state")).to_have_text("There is no archive at this link")
    reader.look("unknown")
    page.click("text=New archive")
    expect(page.locator("#recent li")).to_have_count(3)
    reader.look("recent archives")
    reader.end(record_property)


@pytest.mark.long
def test_the_page_of_a_server_that_is_away_reads_well(
    page: Page, service: Service, record_property: Callable[[str, object], None]
) -> None:
    page.route(re.compile("/api/"), lambda route: route.abort())
    page.goto(f"{service.url}/#{'0' * 32}")
    expect(page.locator(".away")).to_contain_text("Retrying")
    reader = Reader(page)
    reader.look("away")
    reader.end(record_property)


@pytest.mark.long
def test_the_pages_without_javascript_and_the_reference_read_well(
    page: Page,
    service: Service,
    origin: Origin,
    record_property: Callable[[str, object], None],
) -> None:
    reader = Reader(page)
    good = origin.put("/axe/a.txt", b"one")
    dead = service.create(good, origin.url("/axe/gone.txt"))
    service.outcome(dead)
    slow = service.create(origin.put("/axe/slow2.bin", bytes(4_000_000), held_from=100_000))
    for state, hash_ in (("completed", service.completed(good)), ("failed", dead), ("open", slow)):
        page.goto(f"{service.url}/archives/{hash_}?still")
        reader.look(f"without JavaScript, {state}")
    page.goto(f"{service.url}/archives/{'0' * 32}")
    reader.look("without JavaScript, unknown")
    page.goto(f"{service.url}/docs")
    reader.look("the reference")
    reader.end(record_property)
