"""Lists of links as people keep them: text files, tables, JSON, and what is pasted into a form.

Owns finding the links in a list, and the names that go with them. Leaves judging a link to
`urls.py`. Pure. `web/static/links.js` follows the same rules for a line; a test compares both.

    https://example.org/a.png                  one link on a line, optionally followed by a tab
    https://example.org/b.png<tab>may/b.png    and the file's name; # starts a comment
    "https://…", https://…; <https://…>        several on a line, in quotes or angle brackets

    url,name                                   CSV with a header: a column url and optionally name,
    https://example.org/b.png,may/b.png        sha256, md5 and size; other columns are ignored

    ["https://…", {"url": "https://…", "name": "b.png"}]     JSON, or one JSON value on each line;
                                                             also with "sha256", "md5" and "size"

Commas and semicolons are valid in links (RFC 3986 2.2), so they separate two links only if the
second begins with http:// or https://. At the end of a link they are taken for punctuation.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_LINE_END = re.compile(r"\r\n|[\r\n]")
_DELIMITERS = ",;\t"
_NEXT_LINK = re.compile(
    r"(?<![\s,;])[\s,;]++(?=[\"'`<]?https?://)|(?<=>)(?=<https?://)", re.IGNORECASE
)
# Nothing in it separates, encloses or escapes: nearly every line of a list is such a link.
_ONE_LINK = re.compile(r"https?://[^\s,;\"'`<>&\ufeff]+")
_PAIRS = {'"': '"', "'": "'", "`": "`", "<": ">"}
_DIGESTS = ("sha256", "md5")
_NO_SIZE = "is invalid: the size in {} {} must be a whole number of bytes"
_AMPERSAND = re.compile(r"&(?!amp;)")


class ListInvalid(ValueError):
    """The list cannot be read; `detail` says why, as a phrase that follows the list's name."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ListedLink(NamedTuple):
    """A link in a list, with what else the list says of its file.

    `line` counts from 1: lines, or the items of a JSON array, as `unit` says. `size` is in bytes,
    digests are as they were given.
    """

    line: int
    url: str
    name: str | None
    unit: str = "line"
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None


def read_bytes(data: bytes) -> list[ListedLink]:
    """Read a list in any form, in UTF-8 or UTF-16; a line that is neither counts as Latin-1.

    Raises ListInvalid.
    """
    return read_text(_decoded(data))


def read_text(text: str) -> list[ListedLink]:
    """Read a list in any form. Raises ListInvalid."""
    text = text.removeprefix(_MARK)
    lines = _LINE_END.split(text)
    first = next((line.strip() for line in lines if line.strip()), "")
    if first[:1] in {"[", "{"}:
        return _read_json(text, lines)
    start = next((n for n, line in enumerate(lines) if _says_something(line)), len(lines))
    for delimiter in _DELIMITERS:
        head = lines[start] if start < len(lines) else ""
        columns = [column.strip().strip('"').lower() for column in head.split(delimiter)]
        if "url" in columns:
            return list(_read_table(lines[start + 1 :], start + 2, columns, delimiter))
    return read_lines(text)


def read_lines(text: str) -> list[ListedLink]:
    """Read links line by line, as the page's form does."""
    links: list[ListedLink] = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        if _ONE_LINK.fullmatch(line):
            links.append(ListedLink(number, line, None))
        else:
            links.extend(links_of_line(number, line))
    return links


def _decoded(data: bytes) -> str:
    for mark, codec in _MARKS.items():
        if data.startswith(mark):
            return data.removeprefix(mark).decode(codec, errors="replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Old Windows tools add lines of their own code page to a file in UTF-8.
        return "\n".join(_decoded_line(line) for line in data.split(b"\n"))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("#", "sep="))


def links_of_line(number: int, line: str) -> Iterator[ListedLink]:
    """Yield the links of a line; a name after a tab is the last one's."""
    line = line.removeprefix(_MARK).strip()
    if not line or line.startswith("#"):
        return
    *others, last = _NEXT_LINK.split(line)
    for other in others:
        if url := _bare(other.partition("\t")[0]):
            yield ListedLink(number, url, other.partition("\t")[2].strip() or None)
    link, _, name = last.partition("\t")
    if url := _bare(link):
        yield ListedLink(number, url, name.strip() or None)


def _bare(text: str) -> str:
    """Return a link without the quotes and the punctuation around it."""
    text = text.strip().rstrip(",;").rstrip()
    if len(text) > 1 and _PAIRS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return _unescaped(text)


def _unescaped(url: str) -> str:
    """Undo the HTML escaping of a link that was copied out of a page's source.

    Only where every ampersand is escaped: a query that holds both was meant as it is.
    """
    path, mark, query = url.partition("?")
    if "&amp;" not in query or _AMPERSAND.search(query):
        return url
    return path + mark + query.replace("&amp;", "&")


def _read_table(
    lines: list[str], start: int, columns: list[str], delimiter: str
) -> Iterator[ListedLink]:
    rows = csv.DictReader(io.StringIO("\n".join(lines)), columns, delimiter=delimiter)
    line = start
    try:
        for row in rows:
            url, name = (str(row.get(column) or "").strip() for column in ("url", "name"))
            if url and not url.startswith("#"):
                digests = (str(row.get(column) or "").strip() for column in _DIGESTS)
                size = str(row.get("size") or "").strip()
                if size and not size.isdecimal():
                    raise ListInvalid(_NO_SIZE.format("line", line))
                sha256, md5 = (each or None for each in digests)
                length = int(size) if size else None
                yield ListedLink(line, _bare(url), name or None, "line", sha256, md5, length)
            line = start + rows.line_num
    except csv.Error as error:
        raise ListInvalid(f"is not valid CSV: {error}") from error


def _read_json(text: str, lines: list[str]) -> list[ListedLink]:
    """Read one JSON value, or a value on each line (NDJSON)."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if len([line for line in lines if line.strip()]) == 1:
            raise ListInvalid(f"is not valid JSON: {error}") from error
        return [link for number, line in enumerate(lines, 1) for link in _of_json(number, line)]
    if isinstance(value, dict) and "urls" in value:
        value = value["urls"]
    items = value if isinstance(value, list) else [value]
    return [_item(position + 1, item, "item") for position, item in enumerate(items)]


def _of_json(number: int, line: str) -> Iterator[ListedLink]:
    if not line.strip():
        return
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ListInvalid(f"is not valid JSON: line {number}: {error}") from error
    for item in value if isinstance(value, list) else [value]:
        yield _item(number, item, "line")


def _item(number: int, item: Any, word: str) -> ListedLink:
    if isinstance(item, str):
        return ListedLink(number, item.strip(), None, word)
    if isinstance(item, dict) and isinstance(url := item.get("url"), str):
        size = item.get("size")
        if size is not None and (not isinstance(size, int) or isinstance(size, bool)):
            raise ListInvalid(_NO_SIZE.format(word, number))
        name, sha256, md5 = (
            one if isinstance(one, str) and one else None
            for one in map(item.get, ("name", *_DIGESTS))
        )
        return ListedLink(number, url.strip(), name, word, sha256, md5, size)
    raise ListInvalid(
        f"is not a list of links: {word} {number} is neither a string nor an object with a url"
    )
