r"""The file name a Content-Disposition header announces.

Owns the header's grammar, and what servers send instead. Leaves charsets to `charsets`, making
the name safe to `zipformat.names`. Law: RFC 6266 4 (`filename*` before `filename`, the last path
segment only), RFC 8187 3.2 (`charset'language'percent-encoded`), RFC 9110 5.6.4 (quoted strings).

Also read, because servers send it and browsers or mail programs read it:

    filename=my report.pdf              no quotes, or a quote that is never closed
    filename="na\xefve.txt"             raw bytes in UTF-8, Latin-1, GBK or Shift_JIS
    filename="m%C3%BCd.txt"             percent-encoded UTF-8 in a plain `filename`
    filename=UTF-8''m%C3%BCd.txt        the extended form without its asterisk
    filename*=UTF-8''"a.txt"            quotes within the extended form, an apostrophe as well
    filename="=?UTF-8?B?4oKs?="         RFC 2047 words
    filename*0="a "; filename*1=b.txt   RFC 2231 continuations
    filename="C:\docs\a.txt"            a path
    attachment, filename=a.txt          another separator, or no disposition type
"""

from __future__ import annotations

import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from packmule.assembly.names.charsets import codec_of, readable

# Every alternative ends where the next parameter begins, so the scan is linear in the header.
_PARAMETER: Final = re.compile(
    r"""(?:\A\s*+|[;,\s])(?P<name>[^\s;,="]{1,40})\s*+=\s*+
        (?:"(?P<quoted>(?:[^"\\]|\\(?:.|\Z))*+)(?:"|\Z)|(?P<bare>[^;]*+))""",
    re.VERBOSE | re.DOTALL,
)
_NESTED: Final = re.compile(r"content-disposition\s*+:", re.IGNORECASE)
_CONTINUED: Final = re.compile(r"filename\*([0-9]{1,3})(\*?)")
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_QUOTED_PAIR: Final = re.compile(r"\\(.|\Z)", re.DOTALL)
_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:\\|\\\\[^\\]")
_EXTENDED: Final = re.compile(r"(?P<charset>[^'\s]{1,40})'[^']{0,40}'(?P<value>.*)", re.DOTALL)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_BROKEN_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WORD: Final = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?]{0,40})?\?([BbQq])\?([^?]*)\?=")
_BETWEEN_WORDS: Final = re.compile(r"\?=\s++=\?")
_Q_ESCAPE: Final = re.compile(rb"=([0-9A-Fa-f]{2})")


def announced_name(header: str) -> str | None:
    """Return the file name in a Content-Disposition header, as it is meant, or None.

    `header` is the field's value, its bytes read as Latin-1 or as UTF-8. The name is of any
    characters but holds no path: make it safe before use.
    """
    header = _FOLD.sub(" ", _LONE_SURROGATE.sub("\ufffd", header))
    plain = extended = malformed = None
    pieces: dict[int, tuple[str, bool]] = {}
    for found in _PARAMETER.finditer(_NESTED.split(header)[-1]):
        match name := found["name"].lower():
            case "filename*" if extended is None:
                value = _unquoted(found)
                extended = _extended_value(value)
                malformed = malformed or value
            case "filename" if plain is None:
                plain = _plain_value(_unquoted(found))
            case _:
                if piece := _CONTINUED.fullmatch(name):
                    pieces.setdefault(int(piece[1]), (_unquoted(found), piece[2] == "*"))
    if malformed is not None and extended is None and plain is None:
        # No other word: then as servers write it elsewhere, or without a charset.
        plain = _plain_value(malformed.removeprefix("''"))
    for each in (extended, _joined(pieces), plain):
        if each and (last := re.split(r"[/\\]", each)[-1].strip()):
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
    found = _EXTENDED.fullmatch(value)
    if found is None or (codec := codec_of(found["charset"])) is None:
        return None
    text = found["value"].strip().strip('"')
    if _BROKEN_PERCENT.search(text):
        return None
    try:
        return unquote_to_bytes(_raw(text)).decode(codec)
    except UnicodeDecodeError:
        return None


def _joined(pieces: dict[int, tuple[str, bool]]) -> str | None:
    """Join the pieces of RFC 2231 3, up to the first that is missing."""
    if 0 not in pieces:
        return None
    codec, data = None, b""
    for number in range(len(pieces)):
        if number not in pieces:
            break
        value, is_encoded = pieces[number]
        if number == 0 and is_encoded and (found := _EXTENDED.fullmatch(value)):
            codec, value = codec_of(found["charset"]), found["value"]
        raw = _raw(value)
        data += unquote_to_bytes(raw) if is_encoded else raw
    try:
        return data.decode(codec or "utf-8")
    except UnicodeDecodeError:
        return readable(data)


def _plain_value(value: str) -> str:
    """Read what stands in a plain `filename`, in whichever of the forms it is."""
    if _WORD.search(value):
        return _WORD.sub(_word, _BETWEEN_WORDS.sub("?==?", value))
    extended = _extended_value(value)
    if extended is not None:
        return extended
    text = value if value.isascii() else readable(_raw(value))
    if _PERCENT.search(text):
        try:
            return unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            return text
    return text


def _word(found: re.Match[str]) -> str:
    """Decode one word of RFC 2047 2; one that cannot be decoded stays as it is."""
    charset, form, text = found.groups()
    codec = codec_of(charset)
    try:
        if form in "Bb":
            data = binascii.a2b_base64(text + "=" * (-len(text) % 4))
        else:
            spaced = text.replace("_", " ").encode("latin-1")
            data = _Q_ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), spaced)
        return data.decode(codec) if codec is not None else found[0]
    except ValueError:  # binascii.Error and UnicodeError are ones
        return found[0]


def _raw(value: str) -> bytes:
    """Return the bytes that were sent; a value that was read as UTF-8 is encoded as that."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
