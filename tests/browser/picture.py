"""`python -m tests.browser.picture`: the pictures of the page in docs/images, made anew.

The program itself packs files of an origin of ours; what is seen is what a person would see: the
start with a list in it, progress, ready and failed, and the page for someone who was sent the link,
each light and dark.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import expect
from tests.browser.chromium import chromium
from tests.browser.painted import landscape
from tests.fakes.origin import Origin
from tests.spec.service import Service

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

FILES = {
    "programme.pdf": (900_000, None),
    "01 Harbour at dawn.jpg": (4_100_000, None),
    "02 Lighthouse.jpg": (3_700_000, None),
    "03 Regatta, first leg.mp4": (96_000_000, 1_000_000),
    "04 Regatta, finish.mp4": (72_000_000, 1_000_000),
    "05 Fireworks.mov": (110_000_000, 1_000_000),
    "06 Market square.jpg": (5_200_000, 100_000),
    "07 Brass band.flac": (38_000_000, 700_000),
}
SIGHTS = {
    "01 Harbour at dawn.png": landscape(
        (92, 120, 176), (246, 190, 160), (70, 110, 140), sun_at=(330, 190)
    ),
    "02 Lighthouse.png": landscape(
        (70, 150, 214), (214, 234, 244), (40, 120, 150), sun_at=(110, 60)
    ),
    "03 Last boats.png": landscape((52, 40, 92), (240, 120, 80), (60, 50, 90), sun_at=(240, 170)),
}
SMALL = ("programme.pdf", "01 Harbour at dawn.jpg", "02 Lighthouse.jpg")
SHOWN = [f"https://photos.example.org/harbour/{n:02}.jpg" for n in range(1, 8)]


def snap(page: Page, state: str) -> None:
    """Write a picture of what the page shows, in both schemes."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        path = IMAGES / f"page-{state}-{scheme}.png"
        page.screenshot(path=path, full_page=True)
        sys.stdout.write(f"{path.name}: {path.stat().st_size // 1000} kB\n")


def create(page: Page, url: str, lines: list[str]) -> None:
    """Fill in the form, and ask for the archive."""
    page.goto(url)
    page.fill("#links", "\n".join(lines))
    page.fill("#name", "harbour-festival.zip")
    page.click("#make")


def take_all(page: Page, url: str, origin: Origin) -> None:
    """Write the pictures of all states."""
    links = {
        name: f"{origin.put(f'/{at}', bytes(size), rate=rate)}\t{name}"
        for at, (name, (size, rate)) in enumerate(FILES.items())
    }
    page.goto(url)
    page.fill("#links", "\n".join(SHOWN))
    page.fill("#name", "harbour-festival.zip")
    page.locator("#name").blur()
    snap(page, "start")
    create(page, url, list(links.values()))
    expect(page.locator(".percent")).to_have_text(re.compile("^[345].%$"))
    expect(page.locator(".rows .file-state.done")).not_to_have_count(0)
    expect(page.locator(".facts")).to_contain_text("left")
    snap(page, "progress")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job-state")).to_have_text("Cancelled")
    small = [links[name] for name in SMALL]
    create(page, url, small)
    expect(page.locator("#job-state")).to_have_text("Your archive is ready")
    expect(page.locator(".rows li")).to_have_count(len(small))
    snap(page, "ready")
    gone = f"{origin.url('/gone')}\t08 Concert.mp4"
    create(page, url, [*small, gone])
    expect(page.locator("#job-state")).to_have_text("1 of 4 files couldn't be fetched")
    expect(page.locator(".rows li")).to_have_count(len(small) + 1)
    snap(page, "failed")


def take_recipients(page: Page, service: Service, origin: Origin) -> None:
    """Write the pictures of the page for someone who was sent the link."""
    sights = {
        name: origin.put(f"/sights/{at}.png", png) for at, (name, png) in enumerate(SIGHTS.items())
    }
    sights["programme.pdf"] = origin.put(
        "/sights/programme.pdf", random.Random(1).randbytes(900_000)
    )
    files = [{"url": url, "name": name} for name, url in sights.items()]
    archive_hash = service.completed(*files, name="harbour-festival.zip")
    page.goto(f"{service.url}/a/{archive_hash}", wait_until="networkidle")
    snap(page, "recipient")


def main() -> None:
    """Write the pictures."""
    expect.set_options(timeout=120_000)
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Origin() as origin,
        Service(Path(folder), PUBLIC_URL="https://zip.example.org") as service,
        chromium() as browser,
    ):
        service.start()
        page = browser.new_page(locale="en-GB", viewport={"width": 860, "height": 800})
        take_all(page, service.url, origin)
        take_recipients(page, service, origin)


if __name__ == "__main__":
    main()
