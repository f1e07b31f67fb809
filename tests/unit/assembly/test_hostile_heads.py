"""Whatever an origin answers, the file gets a failure of the origin's, never an internal one."""

from __future__ import annotations

import random
from threading import Event
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import each_on_its_host

from packmule.assembly.pack import pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.errors import MAX_DETAIL, FailureCode
from packmule.jobs.model import OnError, Source
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits

if TYPE_CHECKING:
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 1\r\n\r\nx"
LONG = 60_000

NEVER_A_FILE = {
    "an answer of one byte": b"H",
    "nothing": b"",
    "a body alone (HTTP/0.9)": b"hello\n" * 100,
    "a switch of protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "a switch of protocols with a length": b"HTTP/1.1 101 S\r\nContent-Length: 3\r\n\r\nabc",
    "a switch of protocols, then bytes": b"HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n" + b"x" * 9000,
    "a switch of protocols, then a file": b"HTTP/1.1 101 S\r\n\r\n" + WHOLE,
    "early hints and no more": b"HTTP/1.1 103 Early Hints\r\nLocation: /other\r\n\r\n",
    "interim responses for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
    "interim responses that redirect": b"HTTP/1.1 103 E\r\nLocation: /o\r\n\r\n" * 5000,
    "an interim status nobody knows": b"HTTP/1.1 199 X\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Zero\r\nContent-Length: 1\r\n\r\nx",
    "status 099": b"HTTP/1.1 099 Low\r\nContent-Length: 1\r\n\r\nx",
    "status 999": b"HTTP/1.1 999 Denied\r\nContent-Length: 1\r\n\r\nx",
    "status 2000": b"HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\nx",
    "status 20": b"HTTP/1.1 20 OK\r\nContent-Length: 1\r\n\r\nx",
    "status -200": b"HTTP/1.1 -200 OK\r\nContent-Length: 1\r\n\r\nx",
    "status 2xx": b"HTTP/1.1 2xx OK\r\nContent-Length: 1\r\n\r\nx",
    "no status": b"HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
    "a part nobody asked for": b"HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\n\r\nhello",
    "a negative length": OK + b"Content-Length: -1\r\n\r\nx",
    "a length in hexadecimal": OK + b"Content-Length: 0x10\r\n\r\nx",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    "a head that is too large": OK + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
    "too many fields": OK + b"X: y\r\n" * 20_000 + b"Content-Length: 1\r\n\r\nx",
    "trailers for ever": OK
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    + b"X: y\r\n" * 50_000
    + b"\r\n",
    "a NUL in the status line": b"HTTP/1.1 \x00200 OK\r\nContent-Length: 1\r\n\r\nx",
    "a NUL in a field": OK + b"X: a\x00b\r\nContent-Length: 1\r\n\r\nx",
    "a redirect to nowhere": b"HTTP/1.1 302 F\r\nLocation: \x1b[2Jhttp://\r\n\r\n",
    "a redirect of 60 kB": b"HTTP/1.1 302 F\r\nLocation: /" + b"x" * LONG + b"\r\n\r\n",
    "a redirect to a secret": b"HTTP/1.1 302 F\r\nLocation: javascript:alert(1)\r\n\r\n",
    "a redirect with no target": b"HTTP/1.1 301 M\r\nContent-Length: 0\r\n\r\n",
    "chunks of no number": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
    "a chunk of 17 digits": OK + b"Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\nx",
    "a transfer coding nobody knows": OK + b"Transfer-Encoding: packmule\r\n\r\nx",
    "a status line without end": b"HTTP/1.1 200 " + b"O" * 200_000,
    "HTTP/9.9": b"HTTP/9.9 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "frames of HTTP/2": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 10,
    "a login by NTLM": b"HTTP/1.1 401 U\r\nWWW-Authenticate: NTLM \xff\r\n\r\n",
    "a wait of 60,000 digits": b"HTTP/1.1 429 T\r\nRetry-After: " + b"9" * LONG + b"\r\n\r\n",
}  # fmt: skip

PERHAPS_A_FILE = {
    # A length that is no number of bytes is ignored: the end of the connection is the body's.
    "a length of twenty digits": OK + b"Content-Length: 99999999999999999999\r\n\r\nx",
    # A token that is no coding counts as identity.
    "a coding of 60 kB": OK + b"Content-Encoding: " + b"x" * LONG + b"\r\n\r\nx",
    "a coding with escapes": OK + b"Content-Encoding: \x1b]0;owned\x07\xe2\x80\xae\r\n\r\nx",
    "HTTP/3 in plain text": b"HTTP/3 200\r\ncontent-length: 1\r\n\r\nx",
    "HTTP/2 in plain text": b"HTTP/2 200\r\ncontent-length: 1\r\n\r\nx",
    "a folded field": OK + b"X: a\r\n b\r\nContent-Length: 1\r\n\r\nx",
    "a line without a colon": OK + b"nonsense\r\nContent-Length: 1\r\n\r\nx",
    "a field without a name": OK + b": x\r\nContent-Length: 1\r\n\r\nx",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
    "a bare carriage return": OK + b"X: a\rb\r\nContent-Length: 1\r\n\r\nx",
    "no head's end": OK + b"Content-Length: 1\r\n",
    "a name of 60 kB": OK
    + b"Content-Disposition: attachment; filename="
    + b"x" * LONG
    + b"\r\nContent-Length: 1\r\n\r\nx",
    "a name with escapes": OK
    + b"Content-Disposition: attachment; filename*=UTF-8''%1b%5b2J%ed%a0%80%e2%80%ae.txt\r\n"
    + b"Content-Length: 1\r\n\r\nx",
    "an entity tag of 60 kB": OK + b'ETag: "' + b"x" * LONG + b'"\r\nContent-Length: 2\r\n\r\nx',
    "a type of 60 kB": OK + b"Content-Type: a/" + b"x" * LONG + b"\r\nContent-Length: 1\r\n\r\nx",
    "a date far away": OK + b"Last-Modified: Fri, 31 Dec 99999 23:59:59 GMT\r\n"
    + b"Date: Mon, 01 Jan 0000 00:00:00 GMT\r\nContent-Length: 1\r\n\r\nx",
    "a date before all": OK + b"Last-Modified: Mon, 01 Jan 0001 00:00:00 +2359\r\n"
    + b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 1\r\n\r\nx",
    "early hints, then a file": b"HTTP/1.1 103 E\r\nLocation: /o\r\n\r\n" + WHOLE,
    "no content": b"HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\nhello",
    "reset content": b"HTTP/1.1 205 R\r\nContent-Length: 5\r\n\r\nhello",
    "not modified": b"HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\nhello",
    "ICY": b"ICY 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "a space before the colon": OK + b"Content-Length : 1\r\n\r\nx",
    "blank lines first": b"\r\n\r\n" + WHOLE,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nx",
    "lower case": b"http/1.1 200 ok\r\ncontent-length: 1\r\n\r\nx",
    "a plus before the length": OK + b"Content-Length: +1\r\n\r\nx",
    "a length after chunks": OK
    + b"Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "a cookie of 60 kB": OK + b"Set-Cookie: a=" + b"x" * LONG + b"\r\nContent-Length: 1\r\n\r\nx",
    "another service": OK + b'Alt-Svc: h3=":443"\r\nContent-Length: 1\r\n\r\nx',
}  # fmt: skip


def fetched(folder: Path, answers: list[bytes]) -> dict[int, tuple[FailureCode, str]]:
    """Fetch every answer by the real client; return the failures by position."""
    limits = Limits(attempts=1, max_head_bytes=65_536, seconds=20.0)
    loop = LoopSettings(transfers=16, transfers_per_host=8, limits=limits)
    rules = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))
    room = AssemblyLimits(min_free_bytes=0)
    folder.mkdir(exist_ok=True)
    with each_on_its_host(answers) as urls, SharedResources(rules, loop, room) as resources:
        sources = [Source(n, url) for n, url in enumerate(urls)]
        out = folder / "out.zip"
        packed = pack(sources, out, resources, Event(), on_error=OnError.SKIP)
    return {one.position: (one.failure.code, one.failure.detail) for one in packed.failed}


def check(failures: dict[int, tuple[FailureCode, str]], what: list[str]) -> None:
    internal = {what[n]: detail for n, (code, detail) in failures.items() if code == "internal"}
    assert not internal
    unclean = {
        what[n]: detail
        for n, (_, detail) in failures.items()
        if not detail.isprintable() or len(detail) > MAX_DETAIL
    }
    assert not unclean


def test_no_hostile_head_is_an_internal_error(tmp_path: Path) -> None:
    heads = NEVER_A_FILE | PERHAPS_A_FILE
    failures = fetched(tmp_path / "out", list(heads.values()))
    check(failures, list(heads))
    missing = set(range(len(NEVER_A_FILE))) - failures.keys()
    assert not missing, [list(heads)[n] for n in missing]


def test_a_switch_of_protocols_is_a_bad_response(tmp_path: Path) -> None:
    answers = [answer for name, answer in NEVER_A_FILE.items() if name.startswith("a switch")]
    failures = fetched(tmp_path / "out", answers)
    assert {code for code, _ in failures.values()} == {FailureCode.BAD_RESPONSE}
    assert len(failures) == len(answers)


TOKENS = (b"\0", b"\r\n", b"\n", b" ", b":", b"HTTP/1.1 ", b"9")


def mutated(random_: random.Random, answer: bytes) -> bytes:
    """Return an answer with some of its bytes replaced, removed, doubled or moved."""
    data = bytearray(answer[:4000])
    for _ in range(random_.randrange(1, 6)):
        at = random_.randrange(len(data) + 1)
        match random_.randrange(5):
            case 0:
                data[at:at] = random_.choice(
                    (b"\0", b"\r\n", b"\n", b" ", b":", b"HTTP/1.1 ", b"9")
                )
            case 1:
                del data[at : at + random_.randrange(1, 20)]
            case 2:
                data[at : at + 1] = random_.randbytes(1)
            case 3:
                data[at:at] = data[at : at + random_.randrange(1, 60)]
            case _:
                data[at:at] = random_.choice(list(NEVER_A_FILE.values()))[:300]
    return bytes(data)


def test_no_mutated_head_is_an_internal_error(tmp_path: Path) -> None:
    random_ = random.Random(15)
    heads = list((NEVER_A_FILE | PERHAPS_A_FILE).values())
    answers = [mutated(random_, random_.choice(heads)) for _ in range(200)]
    check(fetched(tmp_path / "out", answers), [repr(answer[:300]) for answer in answers])
