"""An archive that is ready is handed on; one that is not whole is completed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

pytestmark = pytest.mark.needs("chromium")

ENCODE = """async text => {
  const place = document.querySelector("script[type=module]").src.replace("page.js", "qr.js");
  const { encode } = await import(place);
  return encode(text).map((row) => row.map(Number).join(""));
}"""
# Read back by zbarimg 0.23, which knows nothing of our encoder.
HTTPS_A = [
    "1111111001110100001111111",
    "1000001000010111101000001",
    "1011101011010011101011101",
    "1011101010101111001011101",
    "1011101011001000101011101",
    "1000001011100001001000001",
    "1111111010101010101111111",
    "0000000010110011100000000",
    "1011111001011000001111100",
    "1000010111001100100000010",
    "1100111000001111010101011",
    "1000100000111101000000001",
    "1110001100101011111010111",
    "1100110100000000100101010",
    "1000001111111001111111011",
    "1011010011010011111110001",
    "1010111100010000111110100",
    "0000000011001111100011000",
    "1111111001100110101010111",
    "1000001010101100100011010",
    "1011101011101011111110101",
    "1011101011100000011011111",
    "1011101011011001010001101",
    "1000001001110011100111001",
    "1111111011110000001111111",
]


def test_a_link_has_its_qr_code(page: Page, service: Service, origin: Origin) -> None:
    hash_ = service.completed(origin.put("/qr/a.txt", b"one"))
    page.goto(f"{service.url}/#{hash_}")
    code = page.get_by_role("button", name="QR code")
    code.click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    expect(code).to_have_attribute("aria-expanded", "true")
    code.click()
    expect(page.locator(".qr")).to_be_hidden()


@pytest.mark.long
def test_a_code_is_the_one_that_readers_read(page: Page) -> None:
    assert page.evaluate(ENCODE, "https://a.example/a") == HTTPS_A


def test_a_split_archive_is_downloaded_part_by_part(
    page: Page, service: Service, origin: Origin
) -> None:
    urls = [origin.put(f"/parts/{n}.bin", random.Random(n).randbytes(600_000)) for n in range(2)]
    hash_ = service.completed(*urls, max_part_bytes=1_000_000, name="photos.zip")
    page.goto(f"{service.url}/#{hash_}")
    expect(page.get_by_role("link", name="Download part")).to_have_count(2)
    expect(page.locator(".parts li").first).to_contain_text(", 1 file")
    expect(page.locator("#download")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download part 2").click()
    assert download.value.suggested_filename == "photos-2.zip"


def test_what_is_missing_is_asked_for_again(page: Page, origin: Origin) -> None:
    gone = origin.url("/missing/gone")
    page.fill("#links", f"{origin.put('/missing/a.txt', b'one')}\n{gone}?key=1\tb.txt")
    page.click("#options summary")
    page.select_option("#on_error", "skip")
    page.click("#make")
    expect(page.locator(".note")).to_contain_text("1 file is missing: ")
    page.click("text=Try this file again")
    expect(page.locator("#links")).to_have_value(f"{gone}?key=1\tb.txt\n")


@pytest.mark.long
def test_a_single_file_is_tried_again(page: Page, origin: Origin) -> None:
    page.fill("#links", f"{origin.url('/single/a.txt')}\n{origin.url('/single/b.txt')}")
    page.click("#make")
    expect(page.locator(".rows li")).to_have_count(2)
    origin.put("/single/a.txt", b"one")
    page.get_by_role("button", name="Try a.txt again").click()
    expect(page.locator("#job-state")).to_have_text("1 of 2 files couldn't be fetched")


@pytest.mark.long
def test_the_links_that_failed_are_copied(page: Page, origin: Origin) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    gone = [origin.url(f"/copied/{n}") for n in range(2)]
    page.fill("#links", "\n".join(gone))
    page.click("#make")
    page.click("text=Copy the 2 links")
    expect(page.locator(".failure button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "\n".join(gone)
