"""What comes in a file's place, by the link, the media type and the first bytes."""

from __future__ import annotations

import pytest

from packmule.assembly.names.page_check import FIRST_BYTES, announces_page, unexpected
from packmule.errors import WarningCode
from packmule.jobs.model import Source

ROOT = "https://example.org/"
PAGE = b"<!DOCTYPE html><title>Login</title>"


def source(path: str, name: str | None = None) -> Source:
    return Source(0, ROOT + path, name)


@pytest.mark.parametrize(
    "path",
    ["", "?q=a.zip", "folder/", "a.html", "a.HTM", "a.php?x=a.zip", "a.aspx", "b/a.xhtml#x.png"],
)
def test_these_links_announce_a_page(path: str) -> None:
    assert announces_page(source(path))


@pytest.mark.parametrize(
    "path", ["a", "uc?export=download", "s/abc?dl=1", "a.csv", "a.md", "a.jpg", "a.safetensors"]
)
def test_these_links_announce_a_file(path: str) -> None:
    assert not announces_page(source(path))


def test_the_callers_name_then_the_responses_goes_before_the_url() -> None:
    assert announces_page(source("a", "page.html"))
    assert not announces_page(source("a.html", "report.pdf"))
    assert announces_page(source("a"), "page.html")
    assert not announces_page(source("a.html"), "report.pdf")
    assert not announces_page(source("", "report"))


@pytest.mark.parametrize("kind", ["text/html", "application/xhtml+xml"])
@pytest.mark.parametrize("path", ["a.jpg", "a.csv", "a.json", "a.md", "uc?id=1", "a.gguf"])
def test_a_page_where_none_was_announced_is_told(path: str, kind: str) -> None:
    assert unexpected(source(path), path, kind, b"x") is WarningCode.HTML_PAGE


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "text/plain", "image/jpeg"])
@pytest.mark.parametrize(
    "first",
    [
        PAGE,
        b"\xef\xbb\xbf\r\n <html lang=en>",
        b"<!-- saved -->\n<HEAD><title>",
        b"<?xml version='1.0'?><!DOCTYPE html>",
        b"<script>location",
    ],
)
def test_the_bytes_of_a_page_under_another_type_are_told(kind: str | None, first: bytes) -> None:
    assert unexpected(source("a.zip"), "a.zip", kind, first) is WarningCode.HTML_PAGE


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.svg", "a.xml", "a.eml", "a.html", "a.php"])
def test_text_that_may_begin_like_a_page_is_judged_by_its_type_alone(name: str) -> None:
    assert unexpected(source(name), name, "text/plain", PAGE) is None


@pytest.mark.parametrize("first", [b"<table>", b"<htmlx>", b"<svg>", b"x<html>", b"<", b""])
def test_other_bytes_are_no_page(first: bytes) -> None:
    assert unexpected(source("a.zip"), "a.zip", None, first) is None


POINTER = (
    b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 90405214\n"
)


def test_a_git_lfs_pointer_is_told() -> None:
    for name in ("model.bin", "a.txt"):
        found = unexpected(source(name), name, "text/plain", POINTER, is_whole=True)
        assert found is WarningCode.LFS_POINTER
    assert unexpected(source("a.txt"), "a.txt", None, POINTER + b"x" * FIRST_BYTES) is None


@pytest.mark.parametrize(
    "first", [b'{"error":"Rate limit exceeded"}', b"Not Found", "müde".encode()]
)
@pytest.mark.parametrize("name", ["a.jpg", "a.pdf", "a.zip", "a.docx", "a.mp4"])
def test_a_short_text_in_place_of_a_binary_file_is_told(name: str, first: bytes) -> None:
    said = unexpected(source(name), name, "application/json", first, is_whole=True)
    assert said is WarningCode.UNEXPECTED_TEXT
    assert unexpected(source(name), name, "application/json", first) is None


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("a.svg", b"text"),
        ("a.json", b"{}"),
        ("a", b"{}"),
        ("a.jpg", b"\xff\xd8\xff"),
        ("a.txt", b""),
        ("a", b""),
    ],
)
def test_a_text_where_text_may_be_and_bytes_are_not_told(name: str, first: bytes) -> None:
    assert unexpected(source(name), name, "application/json", first, is_whole=True) is None


@pytest.mark.parametrize("name", ["a.jpg", "a.pdf", "a.zip", "a.docx", "a.mp4"])
def test_nothing_in_place_of_a_binary_file_is_told(name: str) -> None:
    for kind in ("application/octet-stream", "text/html", None):
        assert unexpected(source(name), name, kind, b"", is_whole=True) is WarningCode.EMPTY_FILE


@pytest.mark.parametrize("unit", [b" ", b"<!--", b"<!-- -->", b"<?xml >", b"<"])
def test_first_bytes_of_garbage_are_read_at_once(unit: bytes) -> None:
    unexpected(source("a.zip"), "a.zip", None, unit * (2**20 // len(unit)))
