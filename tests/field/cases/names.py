"""Names that people recognise, from what servers send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

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


@case(
    kind=KIND,
    comes="a link such as `/latest` that redirects to `/Report%202024.xlsx`",
    does="takes the name from the final URL, unless that is only a UUID",
    source="public reports",
)
def name_from_the_final_url(field: Field) -> None:
    to = "Location: /to/Report%202024.xlsx?sig=1"
    uuid = "Location: /to/550e8400-e29b-41d4-a716-446655440000.pdf"
    assert names(
        field,
        {
            "/latest": [to],
            "/annual": [uuid],
            to.removeprefix("Location: "): [BYTES],
            uuid.removeprefix("Location: "): [BYTES],
        },
    ) == ["Report 2024.xlsx", "annual.pdf"]


@case(
    kind=KIND,
    comes="`download.php?id=1` sent as application/pdf",
    does="replaces a script's extension by that of the type",
    source="public reports",
)
def script_that_sends_a_document(field: Field) -> None:
    pdf = "Content-Type: application/pdf"
    assert names(field, {"/download.php?id=1": [pdf], "/get.aspx": [BYTES]}) == [
        "download.pdf",
        "get.aspx",
    ]


@case(
    kind=KIND,
    comes="`.jpg:large` and `.jpg:orig` behind a picture's name",
    does="leaves out what is behind the extension",
    source="https://github.com/ShareX/ShareX/issues/3690",
)
def suffix_behind_an_extension(field: Field) -> None:
    jpeg = ["Content-Type: image/jpeg"]
    paths = ("/F.jpg:large", "/G.jpg!w800", "/H.jpg;jsessionid=1A2B.node1")
    answers = dict.fromkeys(paths, jpeg)
    assert names(field, answers) == ["F.jpg", "G.jpg", "H.jpg"]


@case(
    kind=KIND,
    comes="dates, versions and numbers behind a dot: `2301.01234`, `Report 12.05.2024`, `v1.4.3`",
    does="takes digits for no extension, and adds the type's",
    source="https://github.com/formkiq/formkiq-core/issues/507",
)
def digits_behind_a_dot(field: Field) -> None:
    pdf = "Content-Type: application/pdf"
    assert names(
        field,
        {
            "/pdf/2301.01234": [pdf],
            "/report": [pdf, 'Content-Disposition: attachment; filename="Report 12.05.2024"'],
            "/archive/v1.4.3": ["Content-Type: application/zip"],
        },
    ) == ["2301.01234.pdf", "Report 12.05.2024.pdf", "v1.4.3.zip"]


@case(
    kind=KIND,
    comes="`/scribus-1.6.0.tar.gz/download`, `/data.csv/content`: the last segment is a verb",
    does="takes the segment before",
    source="https://github.com/aboutcode-org/dejacode/issues/26, "
    "https://github.com/zenodo/zenodo/issues/2479",
)
def verb_behind_a_file_name(field: Field) -> None:
    answers = {each: [BYTES] for each in ("/scribus-1.6.0.tar.gz/download", "/data.csv/content")}
    assert names(field, answers) == ["scribus-1.6.0.tar.gz", "data.csv"]


@case(
    kind=KIND,
    comes="media types by old or other names: `application/rar`, `audio/mp3`, `video/3gpp`, …",
    does="gives their usual extension",
    source="https://github.com/mikf/gallery-dl/issues/628",
)
def other_names_of_media_types(field: Field) -> None:
    types = ("application/rar", "audio/mp3", "video/3gpp", "application/java-archive")
    answers = {f"/f{n}?id=1": [f"Content-Type: {each}"] for n, each in enumerate(types)}
    assert names(field, answers) == ["f0.rar", "f1.mp3", "f2.3gp", "f3.jar"]


@case(
    kind=KIND,
    comes="escapes in the path that are not UTF-8: Shift_JIS, Latin-1",
    does="reads them by what they look like",
    source="https://github.com/codelibs/fess/issues/1594",
)
def escapes_that_are_not_utf_8(field: Field) -> None:
    answers = {each: [BYTES] for each in ("/%83%65%83%58%83%67.pdf", "/%E4%F6%FC.pdf")}
    assert names(field, answers) == ["テスト.pdf", "äöü.pdf"]
