"""The page's main promises in Firefox, which `puppeteer-core` drives over WebDriver BiDi.

All of them in one run of the browser: starting it takes longer than they do. Emulated colours, axe
and the other tests of the page are Chromium's only (docs/decisions/0070-second-browser.md).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.fakes import node

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

PACKAGES = Path(__file__).parent / "node"

pytestmark = [
    pytest.mark.long,
    pytest.mark.needs("firefox-esr", "node", "npm"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def outcomes(
    service: Service, origin: Origin, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str | None]:
    """Give what became of each promise: None where it was kept."""
    told = {
        "firefox": shutil.which("firefox-esr"),
        "url": service.url,
        "good": [origin.put("/fox/a.txt", b"one"), origin.put("/fox/b.txt", b"two")],
        "dead": origin.url("/fox/gone.txt"),
    }
    packages = node.installed(PACKAGES)
    home = str(tmp_path_factory.mktemp("firefox"))
    ran = subprocess.run(
        ["node", "firefox.mjs"],
        cwd=packages,
        env={"PATH": "/usr/bin:/bin", "HOME": home, "TMPDIR": home},
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, str | None] = json.loads(ran.stdout)
    return found


def test_the_start_page_names_a_wrong_line(outcomes: dict[str, str | None]) -> None:
    assert outcomes["start"] is None


def test_a_job_gets_ready_and_is_downloaded(outcomes: dict[str, str | None]) -> None:
    assert outcomes["ready"] is None


def test_a_dead_link_is_named_and_can_be_left_out(outcomes: dict[str, str | None]) -> None:
    assert outcomes["dead"] is None
