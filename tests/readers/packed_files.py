"""The files that the program packs for the corpus, and the names their entries must bear.

Owns one list a case. Names are written out, not computed: they are the promise. What is invisible
or combining is written by its code point.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from tests.readers.bodies import noise, prose
from tests.readers.origin import File

# Where the program changes its ways: a small body, a block, a page.
SIZES = (0, 1, 2, 4095, 4096, 4097, 65_535, 65_536, 262_143, 262_144, 262_145, 1_048_576, 1_500_000)
LARGEST_PART = 255


def named(name: str, entry: str | None, body: bytes | None = None) -> File:
    """Give a file that the caller names."""
    body = name.encode() if body is None else body
    return File(f"/{hashlib.sha256(name.encode()).hexdigest()}", body, entry, name=name)


ONE_FILE = [File("/only.bin", noise(5000), "only.bin")]
EMPTY_FILE = [File("/empty", b"", "empty")]

EVERYDAY = [
    *(
        File(
            f"/photos/{n}/picture-{n}.jpg?size=full",
            noise(size, seed=n),
            f"picture-{n}.jpg",
            content_type="image/jpeg",
            modified=f"Mon, {n + 1:02} Jan 2024 10:20:{n + 10} GMT",
        )
        for n, size in enumerate(SIZES)
    ),
    File("/notes.txt", prose(9000), "notes.txt", content_type="text/plain"),
    File("/notes", prose(300_000), "notes.html", content_type="text/html; charset=utf-8"),
    named("2024/may/a.csv", "2024/may/a.csv", prose(70_000)),
    named("2024/may/b.csv", "2024/may/b.csv", b""),
    named("2024/june/a.csv", "2024/june/a.csv", prose(1)),
    File("/x?id=1", b"x", "fall\u2019s report.pdf",
         disposition="attachment; filename*=UTF-8''fall%E2%80%99s%20report.pdf"),
]  # fmt: skip

NAMES = [
    named("日本語/写真.jpg", "日本語/写真.jpg"),
    named("中文 文件.txt", "中文 文件.txt"),
    named("\u1112\u1161\u11ab\u1100\u1173\u11af.txt", "한글.txt"),
    named("A\u030angstro\u0308m.txt", "\u00c5ngstr\u00f6m.txt"),
    named("Vie\u0323\u0302t.txt", "Vi\u1ec7t.txt"),
    named("q\u0307\u0323.txt", "q\u0323\u0307.txt"),
    named("ohm \u2126.txt", "ohm \u03a9.txt"),
    named("smile 😀👍🏽.png", "smile 😀👍🏽.png"),
    named("family 👨\u200d👩\u200d👧.png", "family 👨👩👧.png"),
    named("heart ❤\ufe0f.png", "heart ❤.png"),
    named("flag 🇩🇪.png", "flag 🇩🇪.png"),
    named("𝒳 𠮷.txt", "𝒳 𠮷.txt"),
    named("שלום.txt", "שלום.txt"),
    named("مرحبا بالعالم.pdf", "مرحبا بالعالم.pdf"),
    named("नमस्ते.txt", "नमस्ते.txt"),
    named("สวัสดี.txt", "สวัสดี.txt"),
    named("Ελλάδα/Россия.txt", "Ελλάδα/Россия.txt"),
    named("naïve café.txt", "naïve café.txt"),
    named("ｆｕｌｌ　ｗｉｄｔｈ.txt", "ｆｕｌｌ　ｗｉｄｔｈ.txt"),
    named("-dash.txt", "-dash.txt"),
    named("@at.txt", "@at.txt"),
    named("~tilde", "~tilde"),
    named(".hidden", ".hidden"),
    named("100%41.txt", "100%41.txt"),
    named("[a-z] {b,c}.txt", "[a-z] {b,c}.txt"),
    named("$HOME `id` 'q' & ;.txt", "$HOME `id` 'q' & ;.txt"),
    named("two  spaces and...dots.txt", "two  spaces and...dots.txt"),
    File("/%E6%97%A5%E6%9C%AC.txt", b"from the URL", "日本.txt"),
    File("/d", b"from the header", "Übersicht.pdf",
         disposition="attachment; filename=\"x.pdf\"; filename*=UTF-8''U%CC%88bersicht.pdf"),
]  # fmt: skip

LONG_NAMES = [
    named("a" * 300 + ".txt", "a" * 251 + ".txt"),
    named("長" * 200 + ".jpg", "長" * 83 + ".jpg"),
    named("😀" * 90 + ".tar.gz", "😀" * 62 + ".tar.gz"),
    named("b" * LARGEST_PART, "b" * LARGEST_PART),
    named("/".join(["c" * 255, "d" * 255, "e" * 126, "f" * 255]),
          "/".join(["c" * 255, "d" * 255, "e" * 126, "f" * 255])),
    named("/".join(["g" * 255, "h" * 255, "left out" * 20, "i" * 255]),
          "/".join(["g" * 255, "h" * 255, "i" * 255])),
    named("/".join("n" * 60) + "/deep.txt", "/".join("n" * 60) + "/deep.txt"),
]  # fmt: skip

CLASHES = [
    File("/1/report.pdf", b"1", "report.pdf"),
    File("/2/report.pdf", b"22", "report (1).pdf"),
    File("/3/REPORT.PDF", b"333", "REPORT (2).PDF"),
    named("caf\u00e9.txt", "caf\u00e9.txt", b"NFC"),
    named("cafe\u0301.txt", "caf\u00e9 (1).txt", b"NFD"),
    named("stra\u00dfe.txt", "stra\u00dfe.txt", b"sharp s"),
    named("STRASSE.txt", "STRASSE (1).txt", b"two s"),
    named("data", "data (1)", b"a file"),
    named("data/x.txt", "data/x.txt", b"in a folder of that name"),
    named("Data/X.txt", "Data/X (1).txt", b"in a folder of that name, in capitals"),
]

HOSTILE = [
    named("../../etc/passwd", "etc/passwd"),
    named("/etc/shadow", "etc/shadow"),
    named("C:\\Windows\\win.ini", "C_/Windows/win.ini"),
    named("..\\..\\evil.bat", "evil.bat"),
    named("\\\\server\\share\\x.txt", "server/share/x.txt"),
    named("./././dot.txt", "dot.txt"),
    named("a//b.txt", "a/b.txt"),
    named("ends in a slash/", "ends in a slash"),
    named(".../..../up.txt", "up.txt"),
    named("con", "_con"),
    named("NUL.txt", "_NUL.txt"),
    named("aux/lpt1.log", "_aux/_lpt1.log"),
    named("dot and space. .", "dot and space"),
    named("folder. /file. ", "folder/file"),
    named('a:b*c?d"e<f>g|h.txt', "a_b_c_d_e_f_g_h.txt"),
    named("bell\x07 escape\x1b[31m.txt", "bell_ escape_[31m.txt"),
    named("gpj\u202eexe.scr", "gpjexe.scr"),
    named("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
    named("..", "file"),
    File("/%2E%2E%2F%2E%2E%2Fx.sh", b"encoded dots", ".._.._x.sh"),
    File("/y", b"a path in the header", "y.sh",
         disposition='attachment; filename="../../../y.sh"'),
]  # fmt: skip


def _http_date(*moment: int) -> str:
    return format_datetime(datetime(*moment, tzinfo=UTC), usegmt=True)  # type: ignore[arg-type,misc]  # a test's own numbers


DATES = [
    File(f"/{name}.txt", name.encode(), f"{name}.txt", modified=modified)
    for name, modified in (
        ("no date", None),
        ("no such date", "yesterday"),
        ("1900", _http_date(1900, 1, 1, 0, 0, 0)),
        ("1969", _http_date(1969, 12, 31, 23, 59, 59)),
        ("1970", _http_date(1970, 1, 1, 0, 0, 0)),
        ("1979", _http_date(1979, 12, 31, 23, 59, 58)),
        ("1980", _http_date(1980, 1, 1, 0, 0, 0)),
        ("leap day", _http_date(2000, 2, 29, 12, 34, 56)),
        ("odd second", _http_date(2024, 6, 30, 23, 59, 59)),
        ("last of 31 bits", _http_date(2038, 1, 19, 3, 14, 7)),
        ("first beyond 31 bits", _http_date(2038, 1, 19, 3, 14, 8)),
        ("beyond 32 bits", _http_date(2106, 2, 7, 6, 28, 16)),
        ("2107", _http_date(2107, 12, 31, 23, 59, 59)),
        ("2108", _http_date(2108, 1, 1, 0, 0, 0)),
        ("9999", _http_date(9999, 12, 31, 23, 59, 59)),
    )
]
DATES = [File(quote(f.path), f.body, f.entry, modified=f.modified) for f in DATES]

UNKNOWN_LENGTH = [
    File(f"/{n}.bin", noise(size, seed=n), f"{n}.bin", chunked=n % 3 != 0)
    for n, size in enumerate((300_000, 0, 1, 700, 262_144, 262_145, 5, 1_048_576, 2_000_000, 10))
]

# The last of the caller's list arrives first, and the other way round.
ARRIVAL_ORDER = [
    File(f"/{n}.bin", noise(size, seed=n), f"{n}.bin", delay=0.1 * (5 - n))
    for n, size in enumerate((10, 400_000, 300_000, 0, 1_100_000, 20))
]

HOLE_CLOSED = [
    File("/before.bin", noise(400_000, seed=1), "before.bin"),
    File("/cut.bin", noise(900_000, seed=2), None, cut=True),
    File("/after.bin", noise(400_000, seed=3), "after.bin", delay=0.1),
    File("/small.bin", noise(400, seed=4), "small.bin", delay=0.2),
]


def _a_zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("inner.txt", prose(2000))
        archive.writestr("only.bin", noise(2000))
    return made.getvalue()


SIGNATURES = b"PK\x03\x04PK\x01\x02PK\x05\x06PK\x06\x06PK\x06\x07PK\x07\x08"
NESTED = [
    File("/inner.zip", _a_zip(), "inner.zip", content_type="application/zip"),
    File("/signatures.bin", SIGNATURES * 50, "signatures.bin"),
    File("/descriptor.bin", b"PK\x07\x08" + bytes(12) + SIGNATURES, "descriptor.bin"),
    File("/end.zip", b"PK\x05\x06" + bytes(18), "end.zip", content_type="application/zip"),
]
