"""Bytes are read as the text they mean: by the charset they name, or by what they look like."""

from __future__ import annotations

import codecs

import pytest

from packmule.assembly.names.charsets import codec_of, readable


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        (" utf8\t", "utf-8"),
        ("iso-8859-1", "cp1252"),
        ("ISO-8859-2", "iso8859-2"),
        ("iso-8859-9", "cp1254"),
        ("iso-8859-16", "iso8859-16"),
        ("windows-1251", "cp1251"),
        ("windows-874", "cp874"),
        ("GB2312", "gb18030"),
        ("Shift_JIS", "cp932"),
        ("euc-kr", "cp949"),
        ("utf-7", None),
        ("iso-8859-11", None),
        ("idna", None),
        ("", None),
    ],
)
def test_a_label_names_the_codec_that_browsers_take_for_it(label: str, codec: str | None) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label",
    [
        *(f"iso-8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
        *(f"windows-{n}" for n in (874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)),
        *("us-ascii", "latin1", "gbk", "big5", "sjis", "euc-jp", "iso-2022-jp", "koi8-r"),
        *("ks_c_5601-1987", "koi8-u", "macintosh", "tis-620"),
    ],
)
def test_each_label_has_a_codec_that_python_knows(label: str) -> None:
    codec = codec_of(label)
    assert codec is not None
    assert codecs.lookup(codec)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("résumé", "utf-8"),
        ("日本語", "utf-8"),
        ("写真.jpg", "cp932"),
        ("ｱ写", "cp932"),
        ("照片.jpg", "gb18030"),
        ("文件Ａ", "gb18030"),
        # Half of the pairs are common, which is enough.
        ("照鬟", "gb18030"),
        ("отчёт.pdf", "cp1251"),
        ("звіти Києва", "cp1251"),
        # Begins as Japanese does, and cannot go on so.
        ("„моя дача“", "cp1251"),
        ("année.pdf", "cp1252"),
        ("Größe", "cp1252"),
        ("naïve “quotes”", "cp1252"),
    ],
)
def test_bytes_without_a_charset_are_read_as_they_look(text: str, codec: str) -> None:
    assert readable(text.encode(codec)) == text


def test_pairs_most_of_which_are_rare_are_no_chinese() -> None:
    data = "照鬟鬟".encode("gb18030")
    assert readable(data) == data.decode("cp1251")


def test_what_is_no_text_in_any_is_read_byte_by_byte() -> None:
    assert readable(b"a\x81") == "a\x81"
    assert readable(b"\x81\x00\xff") == "\x81\x00\xff"


def test_of_no_bytes_the_text_is_empty() -> None:
    assert readable(b"") == ""
