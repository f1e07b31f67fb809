"""`python -m tests.browser.picture`: the picture of the page in the README, made anew.

The program itself packs files of an origin of ours; what is seen is what a person would see.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect
from tests.browser.chromium import chromium
from tests.fakes.origin import Origin
from tests.spec.service import Service

PICTURE = Path(__file__).resolve().parents[2] / "docs/images/page.png"

FILES = {
    "programme.pdf": (900_000, None),
    "01 Harbour at dawn.jpg": (4_100_000, None),
    "02 Lighthouse.jpg": (3_700_000, None),
    "03 Regatta, first leg.mp4": (96_000_000, 9_000_000),
    "04 Regatta, finish.mp4": (72_000_000, 9_000_000),
    "05 Fireworks.mov": (110_000_000, 9_000_000),
    "06 Market square.jpg": (5_200_000, 900_000),
    "07 Brass band.flac": (38_000_000, 4_000_000),
}


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder, Origin() as origin:
        links = [
            f"{origin.put(f'/{at}', bytes(size), rate=rate)}\t{name}"
            for at, (name, (size, rate)) in enumerate(FILES.items())
        ]
        with Service(Path(folder)) as service, chromium() as browser:
            service.start()
            page = browser.new_page(locale="en-GB", viewport={"width": 860, "height": 800})
            page.goto(service.url)
            page.fill("#links", "\n".join(links))
            page.fill("#name", "harbour-festival.zip")
            page.click("#make")
            expect(page.locator(".percent")).to_have_text(re.compile("^4.%$"), timeout=60_000)
            PICTURE.parent.mkdir(exist_ok=True)
            page.screenshot(path=PICTURE, full_page=True)
    sys.stdout.write(f"{PICTURE.name}: {PICTURE.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main()
