"""Chromium's own downloads, cut on the way: it goes on by itself, or by a click on "Resume".

Where the connection is closed before its time, Chromium goes on by itself, five times at most.
Where it is reset, it tells a network error and waits for its user, who clicks on "Resume" on the
browser's page of downloads. Both only because the archive has a strong validator.
"""

from __future__ import annotations

import filecmp
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error
from tests.browser.chromium import profile
from tests.fakes.cutter import Cutter
from tests.spec.service import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Download, Page
    from tests.downloads.served import Served

pytestmark = pytest.mark.needs("chromium")

# The archive has 12 MiB: at most four cuts, within the five times that Chromium goes on by itself.
LEAST, MOST = 2_600_000, 5_000_000
MOST_CLICKS = 20


@contextmanager
def browsing(folder: Path) -> Iterator[Page]:
    """Open a tab of a browser whose downloads end in `folder`."""
    with profile(folder / "profile", downloads=folder / "downloads") as context:
        yield context.new_page()


def begun(page: Page, url: str) -> Download:
    """Begin a download as by a click on a link."""
    with page.expect_download() as download, pytest.raises(Error, match="Download is starting"):
        page.goto(url)
    return download.value


@pytest.mark.long
def test_a_download_whose_connection_is_closed_goes_on_by_itself(
    served: Served, tmp_path: Path
) -> None:
    port = served.service.port
    with (
        Cutter(port, 3, least=LEAST, most=MOST, kinds=("closed",)) as cutter,
        browsing(tmp_path) as page,
    ):
        download = begun(page, served.url(cutter.port))
        assert download.suggested_filename == "body.zip"
        assert filecmp.cmp(download.path(), served.file, shallow=False)
        assert cutter.cuts >= 2


def test_a_download_whose_connection_is_reset_goes_on_at_resume(
    served: Served, tmp_path: Path
) -> None:
    port = served.service.port
    with (
        Cutter(port, 3, least=LEAST, most=MOST, kinds=("reset",)) as cutter,
        browsing(tmp_path) as page,
    ):
        download = begun(page, served.url(cutter.port))
        assert download.failure() is not None
        page.goto("chrome://downloads")
        for _ in range(MOST_CLICKS):
            before = cutter.cuts
            page.get_by_role("button", name="More actions").click()
            page.get_by_role("menuitem", name="Resume").click()
            until(
                lambda before=before: cutter.cuts > before or whole(tmp_path, served),
                "cut again, or whole",
            )
            if whole(tmp_path, served):
                break
            page.get_by_text("Network error").wait_for()
        assert whole(tmp_path, served)
        assert cutter.cuts >= 2


def whole(folder: Path, served: Served) -> bool:
    """Tell whether a file among the downloads has the archive's bytes."""
    return any(
        filecmp.cmp(file, served.file, shallow=False)
        for file in (folder / "downloads").iterdir()
        if file.is_file()
    )
