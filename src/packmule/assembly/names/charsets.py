"""The text that a server's bytes mean, when it names no charset or an old one.

Owns the charset labels that names may use, and the guess for bytes without a label. Law: the
Encoding Standard 4.2 (labels, and that Latin-1 means windows-1252).
"""

from __future__ import annotations

import re
from typing import Final

_LABELS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "macintosh": "mac-roman",
    "tis-620": "cp874",
    "iso-8859-9": "cp1254",
}
_LABELS |= {f"iso-8859-{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
_LABELS |= {f"windows-{n}": f"cp{n}" for n in (874, 1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)}

# Japanese text nearly always has a lead byte from 81 to 9F, which Latin text and GB 2312 avoid.
_JAPANESE: Final = re.compile(
    rb"(?:[\x00-\x7f\xa1-\xdf]|[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc])*"
)
_JAPANESE_LEAD: Final = re.compile(rb"[\x81-\x9f][\x40-\x7e\x80-\xfc]")
# Common hanzi (GB 2312 level 1) begin with B0 to D7; small Latin and Cyrillic letters do not.
_CHINESE: Final = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])*")
_PAIR: Final = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_COMMON_PAIR: Final = re.compile(rb"[\xa3\xb0-\xd7][\xa1-\xfe]")
# Four letters in a row beyond ASCII are a word; Latin languages have one or two. Those below C0 are
# Russian (A8, B8) and Ukrainian.
_CYRILLIC: Final = re.compile(rb"[\xa5\xa8\xaa\xaf\xb2-\xb4\xb8\xba\xbf-\xff]{4}")


def codec_of(label: str) -> str | None:
    """Return Python's codec for a charset label; None for a label that no name should use."""
    return _LABELS.get(label.strip().lower())


def readable(data: bytes) -> str:
    """Return the text that bytes without a charset most likely mean.

    UTF-8 if it is that, else Shift_JIS, GBK or windows-1251 if the bytes look like it, else
    windows-1252. Short names can be ambiguous: the result is a guess, never an error.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    for codec in (_guessed(data), "cp1252"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _guessed(data: bytes) -> str:
    if _JAPANESE_LEAD.search(data) and _JAPANESE.fullmatch(data):
        return "cp932"
    if _CHINESE.fullmatch(data) and _common(data):
        return "gb18030"
    return "cp1251" if _CYRILLIC.search(data) else "cp1252"


def _common(data: bytes) -> bool:
    """Return whether at least half of the pairs are common hanzi or full-width letters."""
    pairs = _PAIR.findall(data)
    return 2 * sum(_COMMON_PAIR.fullmatch(pair) is not None for pair in pairs) >= len(pairs)
