"""Which names announce media, so that an HTML page in their place is worth a word."""

from __future__ import annotations

import pytest

from packmule.assembly.names.html_pages import is_page_for_media


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg", "A.JPEG", "folder/a.png", "a.mp4", "a.mp3", "a.webp", "a.heic", "a.pdf", "a.zip",
        "a.tar.gz", "a.html.gz", "a.exe", "a.docx", "a.svgz.png",
    ],
)  # fmt: skip
def test_a_page_in_their_place_is_none(name: str) -> None:
    assert is_page_for_media("text/html", name)
    assert is_page_for_media("application/xhtml+xml", name)
    assert not is_page_for_media("image/jpeg", name)
    assert not is_page_for_media(None, name)


@pytest.mark.parametrize(
    "name",
    [
        "a.html", "a.htm", "a.xhtml", "a.txt", "a.php", "a.aspx", "a.xml", "a.json", "a.md", "a",
        ".jpg", "folder.jpg/a", "a.", "a.unknown", "example.com.html",
    ],
)  # fmt: skip
def test_a_page_may_have_these_names(name: str) -> None:
    assert not is_page_for_media("text/html", name)
