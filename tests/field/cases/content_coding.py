"""Content-Encoding: what servers claim, and what they send."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Content-Encoding"
TEXT = b"".join(b"row %d\n" % number for number in range(20_000))
TARBALL = gzip.compress(b"x" * 50_000)
PUBLIC = "public reports"


def serve(
    field: Field, answers: dict[str, tuple[str, bytes]], kind: str = "application/octet-stream"
) -> dict[str, bytes]:
    """Pack the files of an origin that answers each path with a claim and a body."""

    def handler(asked: Asked, _: socket.socket) -> bytes:
        coding, body = answers[asked.path]
        lines = [f"Content-Encoding: {each}" for each in coding.split("; ")]
        return response(fields=[*lines, f"Content-Type: {kind}", 'ETag: "a"'], body=body)

    with RawOrigin(handler) as origin:
        packed = field.pack(*(f"{origin.url}{path}" for path in answers))
    assert packed.exit_code == 0, packed.report
    return packed.entries


@case(
    kind=KIND,
    comes="`.tar.gz`, `.tgz`, `.svgz` or `.csv.gz` with `Content-Encoding: gzip` or `x-gzip`: the "
    "file's own compression, announced again",
    does="keeps the bytes as they were sent",
    source="https://github.com/apache/maven-wagon/issues/707 "
    "https://github.com/qutebrowser/qutebrowser/issues/4684",
)
def compressed_files_announced_as_gzip(field: Field) -> None:
    names = ("app.tar.gz", "app.tgz", "drawing.svgz", "table.csv.gz")
    answers = {
        f"/{name}": (coding, TARBALL)
        for name, coding in zip(names, ("gzip", "x-gzip", "gzip", "GZIP"), strict=True)
    }
    assert serve(field, answers) == dict.fromkeys(names, TARBALL)


@case(
    kind=KIND,
    comes="`app.tar.gz`, compressed once more on the way",
    does="removes the compression of the way only",
    source="https://github.com/zim-desktop-wiki/zim-desktop-wiki/issues/290",
)
def tarball_compressed_again(field: Field) -> None:
    answers = {"/app.tar.gz": ("gzip", gzip.compress(TARBALL))}
    assert serve(field, answers) == {"app.tar.gz": TARBALL}


@case(
    kind=KIND,
    comes="tokens that are no coding: `aws-chunked`, `utf-8`, `none`, `binary`, "
    "`identity, aws-chunked`",
    does="treats them as `identity`",
    source="https://github.com/aws/aws-sdk-java-v2/issues/5769 "
    "https://github.com/dondai44423/donsetch/issues/290",
)
def tokens_that_are_no_coding(field: Field) -> None:
    tokens = ("aws-chunked", "utf-8", "none", "binary", "identity, aws-chunked")
    answers = {f"/{number}.bin": (token, TEXT) for number, token in enumerate(tokens)}
    assert serve(field, answers) == dict.fromkeys((f"{n}.bin" for n in range(5)), TEXT)


@case(
    kind=KIND,
    comes="`gzip`, `deflate` or `zstd` over bytes that are none",
    does="keeps the bytes as they were sent",
    source=PUBLIC,
)
def codings_that_are_not_there(field: Field) -> None:
    answers = {f"/{coding}.txt": (coding, TEXT) for coding in ("gzip", "deflate", "zstd")}
    answers["/short.txt"] = ("gzip", b"short")
    assert serve(field, answers, "text/plain") == {
        "gzip.txt": TEXT,
        "deflate.txt": TEXT,
        "zstd.txt": TEXT,
        "short.txt": b"short",
    }


@case(
    kind=KIND,
    comes="real gzip that is damaged, or that lacks its last bytes",
    does="fails the file: `bad-response`, `truncated`",
    source="https://github.com/mitmproxy/mitmproxy/issues/7795",
)
def damaged_gzip(field: Field) -> None:
    whole = gzip.compress(TEXT)
    damaged = whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]
    bodies = {"/damaged.txt": damaged, "/short.txt": whole[:-8]}

    def handler(asked: Asked, _: socket.socket) -> bytes:
        return response(fields=["Content-Encoding: gzip"], body=bodies[asked.path])

    with RawOrigin(handler) as origin:
        packed = field.pack(*(f"{origin.url}{path}" for path in bodies))
    assert sorted(packed.codes) == ["bad-response", "truncated"]


@case(
    kind=KIND,
    comes="`gzip, gzip` or the field twice, over a body that was compressed twice or only once",
    does="removes as many layers as there are",
    source="https://github.com/yhirose/cpp-httplib/issues/993 "
    "https://github.com/yesodweb/yesod/issues/534",
)
def codings_listed_twice(field: Field) -> None:
    once = gzip.compress(TEXT)
    answers = {
        "/list.txt": ("gzip, gzip", gzip.compress(once)),
        "/lines.txt": ("gzip; gzip", gzip.compress(once)),
        "/once.txt": ("gzip; gzip", once),
        "/mixed.txt": ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
    }
    assert set(serve(field, answers).values()) == {TEXT}


@case(
    kind=KIND,
    comes="`deflate` with and without the zlib wrapper",
    does="decodes both",
    source=PUBLIC,
)
def both_kinds_of_deflate(field: Field) -> None:
    answers = {
        "/wrapped.txt": ("deflate", zlib.compress(TEXT)),
        "/bare.txt": ("deflate", zlib.compress(TEXT, wbits=-15)),
    }
    assert set(serve(field, answers).values()) == {TEXT}


@case(
    kind=KIND,
    comes="a line break or zeros behind the end of the gzip stream",
    does="ignores them, as browsers and gzip do",
    source="https://github.com/nodejs/node/issues/7502 https://github.com/curl/curl/issues/3796",
)
def junk_behind_gzip(field: Field) -> None:
    answers = {
        "/line.txt": ("gzip", gzip.compress(TEXT) + b"\r\n"),
        "/zeros.txt": ("gzip", gzip.compress(TEXT) + bytes(10)),
        "/short.txt": ("gzip", gzip.compress(TEXT[:30]) + b"\r\n"),
    }
    entries = serve(field, answers)
    assert entries == {"line.txt": TEXT, "zeros.txt": TEXT, "short.txt": TEXT[:30]}


@case(
    kind=KIND,
    comes="`br` or `zstd`, although the request allows neither: objects that are stored that way",
    does="keeps a `.br` or `.zst` file; fails others with `bad-response`, which names the coding",
    source="https://github.com/barnacs/compy/issues/47",
)
def codings_nobody_asked_for(field: Field) -> None:
    zstd = b"\x28\xb5\x2f\xfd" + TEXT
    answers = {"/a.br": ("br", TEXT), "/a.zst": ("zstd", zstd)}
    assert serve(field, answers) == {"a.br": TEXT, "a.zst": zstd}

    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(fields=["Content-Encoding: br"], body=TEXT)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.txt")
    assert packed.codes == ["bad-response"]
    assert "'br'" in packed.report["failures"][0]["detail"]
