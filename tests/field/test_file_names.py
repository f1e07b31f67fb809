"""What files are called by their Content-Disposition: here, in Chromium and in curl."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.fakes.raw_origin import Asked, RawOrigin
from tests.field.file_names import FROM_URL, NONE, TABLE, Announced, as_markdown
from tests.house.generated import assert_holds

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

_REFUSED_BY_CURL = 23  # CURLE_WRITE_ERROR: it cannot write to a file without a name


@pytest.mark.parametrize("each", TABLE, ids=lambda each: repr(each.field)[2:-1])
def test_a_file_is_called_as_the_table_says(each: Announced) -> None:
    assert each.given() == each.name


def test_every_difference_from_chromium_has_a_reason() -> None:
    assert [row.field for row in TABLE if (row.chromium is not None) != bool(row.why)] == []
    assert [row.field for row in TABLE if row.name in {row.chromium, row.curl}] == []


def test_the_document_holds_the_table() -> None:
    assert_holds("docs/file-names.md", as_markdown(), suite="tests/field")


@pytest.fixture
def links() -> Iterator[list[str]]:
    """Links to a file each, with the table's fields."""

    def handler(asked: Asked, _: socket.socket) -> bytes:
        return TABLE[int(asked.path.split("/")[1])].head() + b"abc"

    with RawOrigin(handler) as origin:
        yield [f"{origin.url}/{number}/{FROM_URL}" for number in range(len(TABLE))]


@pytest.mark.long
@pytest.mark.needs("chromium")
def test_chromium_calls_files_as_the_table_says(links: list[str]) -> None:
    from playwright.sync_api import Error  # noqa: PLC0415 - slow to import
    from tests.browser.chromium import chromium  # noqa: PLC0415

    wrong = {}
    with chromium() as browser:
        page = browser.new_context(accept_downloads=True).new_page()
        for each, link in zip(TABLE, links, strict=True):
            wanted = each.chromium or each.name
            if wanted == NONE:
                with (
                    browser.new_page() as other,
                    pytest.raises(Error, match="MULTIPLE_CONTENT_DISPOSITION"),
                ):
                    other.goto(link)
                continue
            with page.expect_download(timeout=60_000) as download:
                page.evaluate("link => { location.href = link }", link)
            if (found := download.value.suggested_filename) != wanted:
                wrong[each.field] = found
    assert wrong == {}


@pytest.mark.long
@pytest.mark.needs("curl")
def test_curl_calls_files_as_the_table_says(links: list[str], tmp_path: Path) -> None:
    wrong = {}
    for number, (each, link) in enumerate(zip(TABLE, links, strict=True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = ["curl", "--silent", "--remote-name", "--remote-header-name", link]
        done = subprocess.run(command, cwd=folder, check=False, timeout=60)
        names = [os.fsencode(path.name) for path in folder.iterdir()]
        found = names[0].decode("utf-8", "backslashreplace") if names else NONE
        assert done.returncode == (_REFUSED_BY_CURL if found == NONE else 0)
        if found != (each.curl or each.name):
            wrong[each.field] = found
    assert wrong == {}
