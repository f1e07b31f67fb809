"""Names that people recognise, from what servers send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.field.case import case
from tests.field.raw_origin import Asked, RawOrigin, response

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Names"
BYTES = "Content-Type: application/octet-stream"


def names(field: Field, answers: dict[str, list[str]]) -> list[str]:
    """Return the names of an archive of all paths; a path's answer is its fields."""

    def handler(asked: Asked, _socket: socket.socket) -> bytes:
        fields = answers[asked.path]
        redirects = any(each.startswith("Location") for each in fields)
        return response("302 Found" if redirects else "200 OK", fields, b"" if redirects else b"x")

    with RawOrigin(handler) as origin:
        packed = field.pack(*(origin.url + path for path in answers if not path.startswith("/to/")))
    assert packed.exit_code == 0, packed.stderr
    return list(packed.entries)


def announced(field: Field, *values: str) -> list[str]:
    """Return the names from Content-Disposition fields, one file each."""
    return names(
        field,
        {f"/{n}": [BYTES, f"Content-Disposition: {value}"] for n, value in enumerate(values)},
    )


def raw(name: str, codec: str) -> str:
    """Return a Content-Disposition with a name's bytes as they are."""
    return f'attachment; filename="{name.encode(codec).decode("latin-1")}"'


@case(
    kind=KIND,
    comes="`filename` with RFC 2047 words, `filename*0` with RFC 2231 continuations",
    does="decodes them, as mail programs do",
    source="public reports",
)
def disposition_of_mail(field: Field) -> None:
    assert announced(
        field,
        'attachment; filename="=?UTF-8?B?5rWL6K+V5oql5ZGKLnBkZg==?="',
        'attachment; filename="=?UTF-8?Q?caf=C3=A9_menu.pdf?="',
        "attachment; filename*0*=UTF-8''%E6%B5%8B; filename*1=.pdf",
    ) == ["测试报告.pdf", "café menu.pdf", "测.pdf"]


@case(
    kind=KIND,
    comes="`filename*` in GBK or Shift_JIS; raw bytes in GBK, Shift_JIS or Latin-1",
    does="decodes them; bytes without a charset by what they look like",
    source="public reports",
)
def disposition_in_old_charsets(field: Field) -> None:
    assert announced(
        field,
        "attachment; filename*=GBK''%B2%E2%CA%D4.pdf",
        "attachment; filename*=Shift_JIS''%93%FA%96%7B.pdf",
        *(
            f'attachment; filename="{name.encode(codec).decode("latin-1")}"'
            for name, codec in (
                ("报告.pdf", "gbk"),
                ("テスト.pdf", "cp932"),
                ("Größe.pdf", "latin-1"),
            )
        ),
    ) == ["测试.pdf", "日本.pdf", "报告.pdf", "テスト.pdf", "Größe.pdf"]


@case(
    kind=KIND,
    comes="an apostrophe or quotes within `filename*`",
    does="reads everything behind the second apostrophe",
    source="https://github.com/supabase/storage/issues/1385",
)
def disposition_with_an_apostrophe(field: Field) -> None:
    assert announced(
        field,
        "attachment; filename*=UTF-8''John's%20Resume.pdf",
        "attachment; filename*=UTF-8''\"quoted.pdf\"",
        "attachment; filename=UTF-8''caf%C3%A9.pdf",
    ) == ["John's Resume.pdf", "quoted.pdf", "café.pdf"]


@case(
    kind=KIND,
    comes="a Content-Disposition inside a Content-Disposition; a comma in a name without quotes",
    does="reads the inner one; keeps the comma",
    source="https://github.com/karlheyes/icecast-kh/issues/395, "
    "https://github.com/KuroLabs/Airshare/issues/8",
)
def disposition_in_a_disposition(field: Field) -> None:
    assert announced(
        field,
        'attachment; filename="Content-Disposition: attachment; filename="file.json"',
        "attachment; filename=a,b.mkv",
        'attachment, filename="c.txt"',
    ) == ["file.json", "a,b.mkv", "c.txt"]
