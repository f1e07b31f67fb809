"""Lists of links as people's tools write them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Lists and URLs"


def picture(asked: Asked, _socket: socket.socket) -> bytes:
    if "&amp;" in asked.path:
        return response("403 Forbidden")
    return response(fields=["Content-Type: image/png"], body=b"picture")


def names(field: Field, data: bytes, suffix: str = ".txt") -> list[str]:
    """Return the entries of an archive made from a list."""
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, f"list{suffix}")
        listing.write_bytes(data)
        return sorted(field.pack("-i", str(listing)).entries)


@case(
    kind=KIND,
    comes="a list in UTF-16 with a byte order mark, as PowerShell's `>` and Excel write it",
    does="reads it",
    source="public reports",
)
def list_in_utf_16(field: Field) -> None:
    with RawOrigin(picture) as origin:
        text = f"{origin.url}/a.png\r\n{origin.url}/b.png\r\n"
        assert names(field, text.encode("utf-16")) == ["a.png", "b.png"]
        table = f"url\tname\r\n{origin.url}/a.png\tx.png\r\n"
        assert names(field, table.encode("utf-16"), ".csv") == ["x.png"]


@case(
    kind=KIND,
    comes="a list in UTF-8 of which one line is Latin-1",
    does="reads that line as Latin-1 and the others as UTF-8",
    source="public reports",
)
def list_with_a_latin_1_line(field: Field) -> None:
    with RawOrigin(picture) as origin:
        data = f"{origin.url}/a.png\tmüde.png\n".encode() + b"# \xe9t\xe9\n"
        assert names(field, data) == ["müde.png"]


@case(
    kind=KIND,
    comes="two links on one line, apart by a space, a comma or a semicolon",
    does="fetches both",
    source="public reports",
)
def two_links_on_a_line(field: Field) -> None:
    with RawOrigin(picture) as origin:
        for separator in (" ", ",", "; "):
            data = f"{origin.url}/a.png{separator}{origin.url}/b.png".encode()
            assert names(field, data) == ["a.png", "b.png"]
        data = f"{origin.url}/a,b;c d.png".encode()
        assert names(field, data) == ["a,b;c d.png"]


@case(
    kind=KIND,
    comes="links in quotes or angle brackets, with a comma behind, or as a JSON array",
    does="fetches the links without what is around them",
    source="public reports",
)
def links_in_quotes_or_json(field: Field) -> None:
    with RawOrigin(picture) as origin:
        one, two = f"{origin.url}/a.png", f"{origin.url}/b.png"
        for text in (f'"{one}",\n"{two}",\n', f"<{one}>\n<{two}>", json.dumps([one, two])):
            assert names(field, text.encode()) == ["a.png", "b.png"]


@case(
    kind=KIND,
    comes="`&amp;` in a link copied out of a page's source: the signature does not match",
    does="in a list and in the form, unescapes a query of which every `&` is escaped; the API "
    "sends a link as it is given",
    source="https://github.com/ytdl-org/youtube-dl/issues/9279",
)
def escaped_ampersands(field: Field) -> None:
    with RawOrigin(picture) as origin:
        data = f"{origin.url}/a.png?x=1&amp;sig=2&amp;y=3".encode()
        assert names(field, data) == ["a.png"]
        assert origin.seen[0].path == "/a.png?x=1&sig=2&y=3"


@case(
    kind=KIND,
    comes="a port with a leading zero, or none behind the colon",
    does="reads it as browsers do",
    source="public reports",
)
def port_with_a_leading_zero(field: Field) -> None:
    with RawOrigin(picture) as origin:
        packed = field.pack(f"http://127.0.0.1:0{origin.port}/a.png")
    assert list(packed.entries) == ["a.png"]
