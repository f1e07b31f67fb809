"""What must hold for everything a stranger can write: links, heads, file names.

Each function is one property over values that Hypothesis makes up. `test_parsing.py` calls them as
they are; `make fuzz` has atheris drive them, which looks for inputs that reach new code, and prints
a figure for each name in `TARGETS`.
"""

from __future__ import annotations

import contextlib
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.names.content_disposition import announced_name
from packmule.assembly.names.entry_names import EntryNames
from packmule.outbound.head import HeadInvalid
from packmule.outbound.head import parse as parse_head
from packmule.outbound.retry_hints import retry_after
from packmule.outbound.urls import MAX_URL_LENGTH, Url, UrlInvalid, join
from packmule.outbound.urls import parse as parse_url
from packmule.web.downloads import disposition
from packmule.zipformat.names import (
    MAX_PART_BYTES,
    clash_key,
    safe_name,
    split_extension,
    with_extension,
    with_suffix,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Pieces that mean something to one parser or another, among characters that do not.
_URL_PIECES = st.sampled_from(
    [
        "http://", "https://", "HTTP://", "//", "/", "\\", "@", ":", "?", "#", "[", "]", "[::1]",
        "127.0.0.1", "0x7f.1", "2130706433", "example.org", "xn--bcher-kva.example",
        "b\u00fccher.example", "%2e", "%2f", "%00", "%zz", ".", "..", "../", ":80", ":443", ":0",
        ":99999", "user:pw@", "\u3002", "\uff0f", "\u200d", "\udc80", "\t", "\r\n", " ",
    ]
)  # fmt: skip
_PLAIN_HOSTS = st.sampled_from(["example.org", "a.b-c.example", "192.0.2.1", "[2001:db8::1]"])
_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)
LINKS = st.one_of(
    _TEXT,
    st.lists(_URL_PIECES | _TEXT, max_size=8).map("".join),
    st.builds("http{}://{}{}/{}".format, st.sampled_from(["", "s"]), _PLAIN_HOSTS,
              st.sampled_from(["", ":80", ":443", ":8080"]), _TEXT),
)  # fmt: skip

_NAME_PIECES = st.sampled_from(
    [
        ".", "..", "/", "\\", ":", "CON", "nul.txt", "COM\u00b9", "a.tar.gz", ".profile", "~", "//",
        "\u202e", "\u200b", "\ufeff", "\ud800", "\x00", "\x7f", "e\u0301", "\u0130", "\u0131",
        "\u00df", "\uf03a", "\ufffd", "\U0001f3fb", "\u3164", "C:\\", "\u3000", " ",
    ]
)  # fmt: skip
FILE_NAMES = st.one_of(
    _TEXT,
    st.lists(_NAME_PIECES | _TEXT, max_size=8).map("".join),
    st.builds(lambda text, times: text * times, _NAME_PIECES, st.integers(1, 400)),
)

_DISPOSITION_PIECES = st.sampled_from(
    [
        "attachment", ";", " ", "filename=", "filename*=", "FILENAME=", '"', "'", "\\", "UTF-8''",
        "iso-8859-1'en'", "utf-16''", "%41", "%e2%82", "%zz", "\u00c3\u00bc", "a.png", "C:\\x.txt",
        "../../etc/passwd", "=?utf-8?q?a?=", "filename*0=", ",", "=",
    ]
)  # fmt: skip
DISPOSITIONS = _TEXT | st.lists(_DISPOSITION_PIECES | _TEXT, max_size=10).map("".join)

_LINE = st.one_of(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Early\r\n", b"HTTP/2 206 \r\n", b"HTTP/1.1 \r\n",
            b"\r\n", b"\n", b"Content-Length: 5\r\n", b"Content-Length: 5, 5\r\n",
            b"content-length: 6\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n",
            b"Content-Range: bytes 0-4/5\r\n", b"Content-Range: bytes */5\r\n", b'ETag: W/"a"\r\n',
            b"Date: Mon, 05 Jan 2026 10:00:00 GMT\r\n", b"Last-Modified: Thu, 1 Jan 70 0:0:0\r\n",
            b"Retry-After: 99999999999999\r\n", b"Content-Encoding: gzip\r\n",
        ]
    ),
    st.binary(max_size=40),
    st.builds(lambda name, value: name + b": " + value + b"\r\n",
              st.sampled_from([b"Date", b"Last-Modified", b"ETag", b"Content-Range",
                               b"Content-Length", b"Content-Type", b"Retry-After", b"Location"]),
              st.binary(max_size=40)),
)  # fmt: skip


@given(text=LINKS)
def link(text: str) -> None:
    """A link is refused, or reads in one way: what is written out reads as the same."""
    try:
        url = parse_url(text)
    except UrlInvalid:
        return
    _holds(url)


@given(first=LINKS, location=LINKS)
def redirect(first: str, location: str) -> None:
    """A redirect's link is refused, or becomes a link like any other, of any form."""
    try:
        base = parse_url(first)
    except UrlInvalid:
        base = parse_url("https://example.org/a/b?c")
    with contextlib.suppress(UrlInvalid):
        _holds(join(base, location))


def _holds(url: Url) -> None:
    assert parse_url(url.text) == url
    assert url.text.isascii()
    assert url.text.isprintable()
    assert " " not in url.text
    assert len(url.text) <= MAX_URL_LENGTH
    assert url.scheme in {"http", "https"}
    assert 1 <= url.port <= 65_535
    assert url.host == url.host.lower() != ""
    assert url.target.startswith("/")
    assert url.text.endswith(url.target)
    # Python's own parser, which sees no more than the text, must see the same.
    other = urlsplit(url.text)
    assert (other.scheme, other.hostname) == (url.scheme, url.host)
    assert other.port in {url.port, None}
    assert (other.username, other.password, other.fragment) == (None, None, "")


@given(lines=st.lists(_LINE, max_size=12))
def head(lines: list[bytes]) -> None:
    """A head is refused, or can be asked for everything."""
    try:
        read = parse_head(lines)
    except HeadInvalid:
        return
    assert 200 <= read.status <= 999
    assert read.content_length is None or 0 <= read.content_length < 10**18
    assert all(name == name.lower() for name in read.fields)
    dates = (read.modified_at, read.sent_at)
    assert all(date is None or isinstance(date, int) for date in dates)
    assert read.etag is None or read.etag.endswith('"')
    assert read.last_modified is None or read.last_modified.isprintable()
    assert read.content_type != ""
    assert not {"", "identity"} & set(read.content_codings)
    part = read.content_range
    assert part is None or (part.start is None) is (part.end is None)
    wait = retry_after(read.fields.get("retry-after"), 0.0)
    assert wait is None or 0 <= wait < float("inf")


_TOKEN = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
_VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


@given(
    status=st.integers(200, 599),
    fields=st.dictionaries(_TOKEN, _VALUE, max_size=8),
    length=st.none() | st.integers(0, 10**17),
)
def written_head(status: int, fields: dict[str, str], length: int | None) -> None:
    """What was written as a head is what is read from it."""
    fields.pop("transfer-encoding", None)
    fields.pop("content-length", None)
    if length is not None:
        fields["content-length"] = str(length)
    lines = [f"{name.title()}: {value}\r\n".encode() for name, value in fields.items()]
    read = parse_head([b"HTTP/1.1 %d\r\n" % status, *lines, b"\r\n"])
    assert (read.status, read.content_length, read.fields) == (status, length, fields)


@given(header=DISPOSITIONS)
def announced(header: str) -> None:
    """A Content-Disposition gives no name, or one that is no path and can be made safe."""
    name = announced_name(header)
    if name is not None:
        assert name.strip()
        assert not set("/\\") & set(name)
        _is_safe(safe_name(name, folders=False), folders=False)


@given(name=FILE_NAMES)
def written_disposition(name: str) -> None:
    """The name that our own downloads announce is read as that name."""
    name = safe_name(name, folders=False)
    assert announced_name(disposition(name)) == name


@given(name=FILE_NAMES, folders=st.booleans(), number=st.integers(1, 99_999))
def entry_name(name: str, *, folders: bool, number: int) -> None:
    """Any name becomes a safe one, which stays as it is, also with a number or an extension."""
    safe = safe_name(name, folders=folders)
    _is_safe(safe, folders=folders)
    assert clash_key(clash_key(safe)) == clash_key(safe)
    assert "".join(split_extension(safe)) == safe
    _is_safe(with_suffix(safe, number), folders=folders)
    _is_safe(with_extension(safe, ".png"), folders=folders)


def _is_safe(name: str, *, folders: bool) -> None:
    assert safe_name(name, folders=folders) == name
    assert not {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"} & {unicodedata.category(c) for c in name}
    parts = name.split("/")
    assert folders or len(parts) == 1
    for part in parts:
        assert part.strip(" .")
        assert not set('\\:*?"<>|') & set(part)
        assert len(part.encode()) <= MAX_PART_BYTES
        assert part.split(".")[0].rstrip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1"}


_URLS = st.sampled_from(
    ["https://a.example/", "https://a.example/x", "https://a.example/x.png?y", "https://b.example",
     "https://a.example/%2e%2e/", "https://a.example/%ff%00", "https://a.example/" + "é" * 200]
)  # fmt: skip
_WANTED = st.tuples(_URLS, st.none() | FILE_NAMES.filter(bool))
_HEADERS = st.tuples(
    st.none() | DISPOSITIONS, st.sampled_from([None, "image/png", "text/html", "a/b", ";"])
)


@given(files=st.lists(st.tuples(_WANTED, _HEADERS), max_size=8), data=st.data())
def entry_names(files: list[tuple[tuple[str, str | None], tuple[str | None, str | None]]],
                data: st.DataObject) -> None:  # fmt: skip
    """The names of one archive are safe, and no two of them are one file or file and folder."""
    names = EntryNames([wanted for wanted, _ in files])
    given_names = {}
    for position in data.draw(st.permutations(range(len(files)))):
        of_header, of_type = files[position][1]
        name = names.claim(position, content_disposition=of_header, content_type=of_type)
        _is_safe(name, folders=True)
        given_names[position] = name
    for position, name in given_names.items():
        again = names.claim(position, content_disposition=None, content_type=None)
        assert again == name
    keys = [clash_key(name) for name in given_names.values()]
    assert len(set(keys)) == len(keys)
    folders = {
        clash_key(name[:at])
        for name in given_names.values()
        for at, character in enumerate(name)
        if character == "/"
    }
    assert not folders & set(keys)


TARGETS: dict[str, Callable[[], None]] = {
    "link": link,
    "redirect": redirect,
    "head": head,
    "written_head": written_head,
    "announced": announced,
    "written_disposition": written_disposition,
    "entry_name": entry_name,
    "entry_names": entry_names,
}
