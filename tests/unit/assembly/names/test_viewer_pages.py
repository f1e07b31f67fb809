"""Known viewer, consent and quota pages."""

from __future__ import annotations

import pytest

from packmule.assembly.names.viewer_pages import VIEWERS, viewer_page

PAGE = b"<!DOCTYPE html><html><head><title>%s</title></head>"

# A page of each rule, in the table's order: its URL, its first bytes, and a word of the advice.
PAGES = [
    ("https://drive.google.com/uc?id=1", PAGE % b"Google Drive - Quota exceeded", "24 hours"),
    (
        "https://drive.usercontent.google.com/download?id=1",
        PAGE % b"Virus scan warning",
        "confirm=t",
    ),
    ("https://drive.google.com/file/d/1AbC/view", PAGE % b"a.pdf - Google Drive", "viewer"),
    ("https://docs.google.com/spreadsheets/d/1AbC/edit", PAGE % b"Sheet", "/export?format"),
    ("https://accounts.google.com/v3/signin", PAGE % b"Sign in", "shared"),
    ("https://consent.youtube.com/m", PAGE % b"Before you continue", "consent"),
    ("https://www.dropbox.com/scl/fi/x/a.pdf", PAGE % b"Dropbox", "dl=1"),
    ("https://acme.sharepoint.com/:x:/g/x", PAGE % b"Excel", "download=1"),
    ("https://github.com/o/r/blob/main/a.bin", PAGE % b"GitHub", "/raw/"),
    ("https://git.example.org/g/r/-/blob/main/a.bin", PAGE % b"a.bin - GitLab", "/-/raw/"),
    ("https://huggingface.co/o/r/blob/main/m.gguf", PAGE % b"m.gguf", "/resolve/"),
    ("https://cloud.example.org/s/niKCpgZ4kWFefJM", b"<html data-requesttoken=x>", "/download"),
    ("https://commons.wikimedia.org/wiki/File:A.jpg", PAGE % b"File:A.jpg", "Special:Redirect"),
    ("https://eur01.safelinks.protection.outlook.com/?url=x", PAGE % b"Warning", "url parameter"),
    ("https://we.tl/t-abc", PAGE % b"WeTransfer", "browser"),
]


@pytest.mark.parametrize(("url", "first", "word"), PAGES)
def test_a_known_page_says_which_link_to_use(url: str, first: bytes, word: str) -> None:
    advice = viewer_page(url, first)
    assert advice is not None
    assert word in advice


def test_every_rule_of_the_table_has_its_page() -> None:
    said = [viewer_page(url, first) for url, first, _ in PAGES]
    assert said == [each.advice for each in VIEWERS]


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("https://example.org/a", PAGE % b"Quota exceeded"),
        ("https://drive.google.com.example/file/d/1/view", PAGE),
        ("https://github.com/o/r/releases", PAGE),
        ("https://en.wikipedia.org/wiki/Example", PAGE),
        ("https://cloud.example.org/s/niKCpgZ4kWFefJM", PAGE % b"Another service"),
        ("https://git.example.org/g/r/-/blob/main/a.bin", PAGE % b"Another forge"),
    ],
)
def test_any_other_page_is_left_to_the_jobs_rule(url: str, first: bytes) -> None:
    assert viewer_page(url, first) is None
