"""What Packmule, Chromium and curl call a file, by its Content-Disposition.

Owns the table and docs/file-names.md. `test_file_names.py` asks all three. The link ends in
`from-url.bin`, which is the name where the field gives none.
"""

from __future__ import annotations

from dataclasses import dataclass

from packmule.assembly.names.entry_names import EntryNames
from packmule.outbound.head import parse

FROM_URL = "from-url.bin"
NONE = "(no file)"
_REPORT = "测试报告.pdf"


@dataclass(frozen=True, slots=True)
class Announced:
    """One field as it is sent, and what each program makes of it.

    `chromium` and `curl` are None where they agree with Packmule; `why` is for a difference from
    Chromium.
    """

    field: bytes
    name: str
    chromium: str | None = None
    curl: str | None = None
    why: str = ""

    def head(self) -> bytes:
        """Return a response's head with this field, for a body of three bytes."""
        return (
            b"HTTP/1.1 200 OK\r\nDate: Tue, 01 Jul 2025 10:00:00 GMT\r\nContent-Length: 3\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Disposition: "
            + self.field
            + b"\r\n\r\n"
        )

    def given(self) -> str:
        """Return what Packmule calls it in an archive of its own."""
        fields = parse(self.head().splitlines(keepends=True)).fields
        return EntryNames([(f"http://a.example/{FROM_URL}", None)]).claim(
            0, content_disposition=fields["content-disposition"], content_type=None
        )


_PATH = "only the last segment of a path counts; Chromium keeps the rest as underscores"
_GIVES_UP = "Chromium gives up at a value that is not valid, and takes the URL's name"
_PIECES = "the pieces of RFC 2231, which mail programs join"
_RAW = "read by what the bytes look like; Chromium tries UTF-8 and the system's charset"
_COMMA = "Chromium takes the comma for two fields, and refuses the response"
_QUOTES = "Chromium takes quotes after the charset for a mistake; the name is clear"

TABLE: tuple[Announced, ...] = (
    Announced(b'attachment; filename="report.pdf"', "report.pdf"),
    Announced(b"attachment; filename=report.pdf", "report.pdf"),
    Announced(b'inline; filename="report.pdf"', "report.pdf"),
    Announced(b'ATTACHMENT; FILENAME="report.pdf"', "report.pdf", curl=FROM_URL),
    Announced(b'attachment; fileName="camel.txt"', "camel.txt", curl=FROM_URL),
    Announced(b'attachment ; filename = "report.pdf" ; size=5', "report.pdf", curl=FROM_URL),
    Announced(b'attachment; name="x"; filename="report.pdf"', "report.pdf"),
    Announced(b'attachment; filename="a;b=c, d.pdf"', "a;b=c, d.pdf"),
    Announced(b'attachment; filename="say \\"hi\\".txt"', "say _hi_.txt", curl=FROM_URL),
    Announced(b'attachment; filename="f\\oo.html"', "foo.html", curl="oo.html"),
    Announced(b"attachment;filename=x.txt;", "x.txt"),
    Announced(b'attachment; filename="x.txt";foo', "x.txt"),
    Announced(b'attachment; x="; filename=evil.txt"; filename=good.txt', "good.txt",
              curl='evil.txt"'),
    Announced(b'attachment; filename="first.txt"; filename="second.txt"', "first.txt"),
    Announced(b'attachment; date="Wed, 12 Feb 1997 16:29:51 -0500"; filename=dated.txt',
              "dated.txt"),
    # Without quotes, or with the wrong ones.
    Announced(b"attachment; filename='single.txt'", "single.txt", "'single.txt'",
              why="single quotes around a name are meant as quotes; curl reads them so"),
    Announced(b"attachment; filename=my report 1.pdf; x=y", "my report 1.pdf"),
    Announced(b"attachment; filename=tomcat 9.exe (1).zip", "tomcat 9.exe (1).zip"),
    Announced(b"attachment; filename=foo[1].html", "foo[1].html"),
    Announced(b'attachment; filename="never closed.pdf', "never closed.pdf"),
    Announced(b'attachment; filename=UTF-8"x.txt"', "UTF-8_x.txt_", curl='UTF-8"x.txt"'),
    # Without a type, or with another separator.
    Announced(b'filename="no type.pdf"', "no type.pdf"),
    Announced(b'form-data; name="file"; filename="form.txt"', "form.txt"),
    Announced(b'attachment filename="x.txt"', "x.txt", FROM_URL, FROM_URL,
              "a forgotten semicolon"),
    Announced(b'attachment, filename="x.txt"', "x.txt", NONE, FROM_URL, _COMMA),
    Announced(b"attachment; filename=a,b.mkv", "a,b.mkv", NONE, why=_COMMA),
    Announced(b'attachment; filename:"colon.txt"', FROM_URL),
    # The extended form (RFC 8187).
    Announced(b"attachment; filename*=UTF-8''na%C3%AFve%20plan.txt", "naïve plan.txt",
              curl=FROM_URL),
    Announced(b"attachment; filename*=utf-8'en'%e2%82%ac.txt", "€.txt", curl=FROM_URL),
    Announced(b"attachment; filename*=UTF8''nohyphen.txt", "nohyphen.txt", curl=FROM_URL),
    Announced(b"attachment; filename*=iso-8859-1''na%EFve.txt", "naïve.txt", curl=FROM_URL),
    Announced(b"attachment; filename*=GBK''%B2%E2%CA%D4%B1%A8%B8%E6.pdf", _REPORT, curl=FROM_URL),
    Announced(b"attachment; filename*=Shift_JIS''%93%FA%96%7B.pdf", "日本.pdf", curl=FROM_URL),
    Announced(b"attachment; filename*=KOI8-R''%EF%D4%DE%C5%D4.pdf", "Отчет.pdf", curl=FROM_URL),
    Announced(b"attachment; filename=\"e.txt\"; filename*=UTF-8''%C3%A9.txt", "é.txt",
              curl="e.txt"),
    Announced(b"attachment; filename*=UTF-8''%C3%A9.txt; filename=\"e.txt\"", "é.txt",
              curl="e.txt"),
    Announced(b"attachment; filename*=UTF-8''%E9.txt; filename=plain.txt", "plain.txt"),
    Announced(b"attachment; filename*=UTF-8''%zz.txt; filename=plain.txt", "plain.txt", "%zz.txt",
              why="an extended form that is not valid leaves the word to the plain one"),
    Announced(b"attachment; filename*=%C3%A9.txt; filename=plain.txt", "plain.txt"),
    Announced(b"attachment; filename*=x-klingon''a.txt; filename=plain.txt", "plain.txt"),
    Announced(b"attachment; filename*=\"UTF-8''%C3%A9.txt\"", "é.txt", FROM_URL, FROM_URL,
              _QUOTES),
    Announced(b"attachment; filename*=UTF-8''\"quoted.pdf\"", "quoted.pdf", FROM_URL, FROM_URL,
              _QUOTES),
    Announced(b"attachment; filename*=UTF-8''John's%20Resume.pdf", "John's Resume.pdf", FROM_URL,
              FROM_URL, "an apostrophe that nobody escaped"),
    Announced(b"attachment; filename*=%C3%A9.txt", "é.txt", FROM_URL, FROM_URL,
              "no charset is named, and no other name"),
    Announced(b"attachment; filename*=''empty.txt", "empty.txt", FROM_URL, FROM_URL,
              "no charset is named, and no other name"),
    Announced("attachment; filename*=UTF-8''naïve.txt".encode(), "naïve.txt", FROM_URL, FROM_URL,
              "raw UTF-8 where escapes belong"),
    Announced(b"attachment; filename=UTF-8''%E6%B5%8B%E8%AF%95%E6%8A%A5%E5%91%8A.pdf", _REPORT,
              f"UTF-8''{_REPORT}", "UTF-8''%E6%B5%8B%E8%AF%95%E6%8A%A5%E5%91%8A.pdf",
              "the extended form without its asterisk"),
    # Escapes and charsets in the plain form.
    Announced(b'attachment; filename="100%25 m%C3%BCd.txt"', "100% müd.txt",
              curl="100%25 m%C3%BCd.txt"),
    Announced(b'attachment; filename="foo-%41.html"', "foo-A.html", curl="foo-%41.html"),
    Announced(b'attachment; filename="50%.txt"', "50%.txt"),
    Announced(b'attachment; filename="100% sure %E9.txt"', "100% sure %E9.txt", FROM_URL,
              why=_GIVES_UP),
    Announced('attachment; filename="naïve €.txt"'.encode(), "naïve €.txt"),
    Announced('attachment; filename="emoji 😀.txt"'.encode(), "emoji 😀.txt"),
    Announced(b'attachment; filename="na\xefve.txt"', "naïve.txt", FROM_URL, r"na\xefve.txt", _RAW),
    Announced(b'attachment; filename="' + _REPORT.encode("gbk") + b'"', _REPORT, FROM_URL,
              _REPORT.encode("gbk").decode("utf-8", "backslashreplace"), _RAW),
    Announced(b'attachment; filename="' + "テスト.pdf".encode("cp932") + b'"', "テスト.pdf",
              FROM_URL, r"\x83e\x83X\x83g.pdf", _RAW),
    Announced(b'attachment; filename="' + "Отчет.pdf".encode("cp1251") + b'"', "Отчет.pdf",
              FROM_URL, r"\xce\xf2\xf7\xe5\xf2.pdf", _RAW),
    # What belongs into mail (RFC 2047, RFC 2231).
    Announced(b'attachment; filename="=?UTF-8?B?5rWL6K+V5oql5ZGKLnBkZg==?="', _REPORT,
              curl="=?UTF-8?B?5rWL6K+V5oql5ZGKLnBkZg==?="),
    Announced(b'attachment; filename="=?UTF-8?Q?caf=C3=A9_menu.pdf?="', "café menu.pdf",
              curl="=?UTF-8?Q?caf=C3=A9_menu.pdf?="),
    Announced(b'attachment; filename="=?GBK?B?suLK1LGouOYucGRm?="', _REPORT,
              curl="=?GBK?B?suLK1LGouOYucGRm?="),
    Announced(b"attachment; filename==?utf-8?b?5rWL6K+V?= =?utf-8?b?5oql5ZGKLnBkZg==?=", _REPORT,
              curl="=?utf-8?b?5rWL6K+V?= =?utf-8?b?5oql5ZGKLnBkZg==?="),
    Announced(b'attachment; filename*0="very long "; filename*1="name.pdf"', "very long name.pdf",
              FROM_URL, FROM_URL, _PIECES),
    Announced(b"attachment; filename*0*=UTF-8''%E6%B5%8B%E8%AF%95%E6%8A; "
              b"filename*1*=%A5%E5%91%8A.pdf", _REPORT, FROM_URL, FROM_URL, _PIECES),
    Announced(b'attachment; filename="Content-Disposition: attachment; filename="file.json"',
              "file.json", "Content-Disposition_ attachment; filename=_file.json",
              "Content-Disposition: attachment; filename=", "the field was put into itself"),
    # Names that are paths, or that a system could not keep.
    Announced(b'attachment; filename="/etc/x.txt"', "x.txt", "_etc_x.txt", why=_PATH),
    Announced(b'attachment; filename="../../x.txt"', "x.txt", "_.._x.txt", why=_PATH),
    Announced(b'attachment; filename="C:\\docs\\x.txt"', "x.txt", "C_docsx.txt", why=_PATH),
    Announced(b"attachment; filename*=UTF-8''..%2F..%2Fx.txt", "x.txt", "_.._x.txt", FROM_URL,
              _PATH),
    Announced(b'attachment; filename="a:b?.txt"', "a_b_.txt", curl="a:b?.txt"),
    Announced(b'attachment; filename="a\tb.txt"', "a_b.txt", "a b.txt", "a\tb.txt",
              "a control character is made visible"),
    Announced(b'attachment; filename="report.pdf."', "report.pdf", curl="report.pdf."),
    Announced(b'attachment; filename=".htaccess"', ".htaccess", "htaccess",
              why="a dot in front is part of the name; Chromium makes no hidden files"),
    Announced(b'attachment; filename="CON.txt"', "_CON.txt", "CON.txt", "CON.txt",
              "Windows cannot make a file of this name; the archive is for every system"),
    Announced(b'attachment; filename="Tom &amp; Jerry.pdf"', "Tom &amp; Jerry.pdf"),
    # No name at all.
    Announced(b"attachment", FROM_URL),
    Announced(b"x.txt", FROM_URL),
    Announced(b'attachment; filename=""', FROM_URL, curl=NONE),
    Announced(b"attachment; xfilename=a.txt", FROM_URL),
)  # fmt: skip


def as_markdown() -> str:
    """Return the table for docs/file-names.md."""
    rows = ["| `Content-Disposition:` | Packmule | Chromium | curl | |", "|---|---|---|---|---|"]
    for each in TABLE:
        same = [_cell(name) if name is not None else "same" for name in (each.chromium, each.curl)]
        cells = [f"`{_shown(each.field)}`", _cell(each.name), *same, each.why]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(name: str) -> str:
    return name if name == NONE else f"`{name}`".replace("\t", r"\t")


def _shown(field: bytes) -> str:
    return field.decode("utf-8", "backslashreplace").replace("\t", r"\t")
