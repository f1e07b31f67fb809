"""Chromium's own downloads, cut on the way: it goes on by itself and ends with the very bytes.

It does so five times at most where a connection is closed before its time, and only because the
archive has a strong validator.
"""

from __future__ import annotations

import filecmp
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error
from tests.browser.chromium import profile
from tests.fakes.cutter import Cutter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Download, Page
    from tests.downloads.served import Served

pytestmark = pytest.mark.needs("chromium")

# The archive has 12 MiB: at most four cuts, within the five times that Chromium goes on by itself.
LEAST, MOST = 2_600_000, 5_000_000


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
