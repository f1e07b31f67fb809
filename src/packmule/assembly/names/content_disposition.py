"""The file name a Content-Disposition header announces.

Owns the header's grammar, and what servers send in its stead. Leaves making the name safe to
`zipformat.names`. Law: RFC 6266 4 (`filename*` before `filename`, the last path segment only),
RFC 8187 3.2 (`charset'language'percent-encoded`), RFC 9110 5.6.4 (quoted strings).

Taken although no RFC allows it, because origins send it: a value without quotes that holds spaces
or umlauts, a quote never closed, no disposition type, single quotes, UTF-8 or Latin-1 as it is,
percent-encoded UTF-8 in a plain `filename`, a Windows path with single backslashes.
Not taken: RFC 2047 words and RFC 2231 continuations, which HTTP never had.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

# Every alternative ends where the next parameter begins, so the scan is linear in the header.
_PARAMETER: Final = re.compile(
    r"""(?:\A|;)\s*(?P<name>[^\s;="]+)\s*=\s*
        (?:"(?P<quoted>(?:[^"\\]|\\(?:.|\Z))*)(?:"|\Z)|(?P<bare>[^;]*))""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED_PAIR: Final = re.compile(r"\\(.|\Z)", re.DOTALL)
_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:\\|\\\\[^\\]")
_EXTENDED: Final = re.compile(r"(?P<charset>[^']*)'[^']*'(?P<value>[^']*)\Z", re.DOTALL)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_BROKEN_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

# Those RFC 8187 and its forerunner name, and what browsers' tables call them.
_CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
}


def announced_name(header: str) -> str | None:
    """Return the file name in a Content-Disposition header, as it is meant, or None.

    `header` is the field's value, its bytes read as Latin-1 or as UTF-8. The name is of any
    characters but holds no path: make it safe before use.
    """
    plain = extended = None
    for found in _PARAMETER.finditer(_LONE_SURROGATE.sub("\ufffd", header)):
        match found["name"].lower():
            case "filename*" if extended is None:
                extended = _extended_value(_unquoted(found))
            case "filename" if plain is None:
                plain = _plain_value(_unquoted(found))
    for name in (extended, plain):
        if name and (last := re.split(r"[/\\]", name)[-1].strip()):
            return last
    return None


def _unquoted(found: re.Match[str]) -> str:
    quoted, bare = found["quoted"], found["bare"]
    if quoted is None:
        bare = bare.strip()
        in_quotes = len(bare) > 1 and bare[0] == bare[-1] == "'"
        return bare[1:-1] if in_quotes else bare
    return quoted if _WINDOWS_PATH.match(quoted) else _QUOTED_PAIR.sub(r"\1", quoted)


def _extended_value(value: str) -> str | None:
    """Decode `charset'language'value`; None where it is malformed, so that `filename` counts."""
    found = _EXTENDED.match(value)
    if found is None or _BROKEN_PERCENT.search(found["value"]):
        return None
    charset = _CHARSETS.get(found["charset"].lower())
    if charset is None:
        return None
    try:
        return unquote_to_bytes(_as_utf8(found["value"])).decode(charset)
    except UnicodeDecodeError:
        return None


def _plain_value(value: str) -> str:
    """Read what stands in a plain `filename`: percent-encoded UTF-8 if it is that, else text."""
    text = _as_utf8(value)
    if _PERCENT.search(text):
        try:
            return unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            return text
    return text


def _as_utf8(value: str) -> str:
    """Undo a reading of UTF-8 bytes as Latin-1, where it was one."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value
