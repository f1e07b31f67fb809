"""Resuming: what servers answer to a request for the rest."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import DATE, Asked, RawOrigin
from tests.field.case import case

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.field.case import Field, Packed

KIND = "Resuming"
PUBLIC = "public reports"
DATA = random.Random(16).randbytes(300_000)
CUT = 200_000
TAG = 'ETag: "v1"'
MODIFIED = "Last-Modified: Mon, 01 Jan 2024 10:00:00 GMT"
TOTAL = len(DATA)

if TYPE_CHECKING:
    Answer = Callable[[Asked], bytes | None]


def head(status: str, *fields: str, date: bool = True) -> bytes:
    """Return a response's head."""
    lines = [f"HTTP/1.1 {status}", *([DATE] if date else []), *fields, "Content-Type: image/png"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def whole(*fields: str, date: bool = True) -> bytes:
    """Return a response of the whole file."""
    return head("200 OK", *fields, f"Content-Length: {TOTAL}", date=date) + DATA


def part(start: int, *fields: str, stop: int = TOTAL, date: bool = True, spells: str = "") -> bytes:
    """Return a part of the file; `spells` is another Content-Range."""
    spelt = spells or f"bytes {start}-{stop - 1}/{TOTAL}"
    length = f"Content-Length: {stop - start}"
    lines = (*fields, f"Content-Range: {spelt}", length)
    return head("206 Partial Content", *lines, date=date) + DATA[start:stop]


def cut(answer: bytes, body: int = CUT) -> bytes:
    """Cut a response off after so many bytes of its body."""
    return answer[: answer.index(b"\r\n\r\n") + 4 + body]


def resume(field: Field, *answers: tuple[str, Answer, bool], **settings: str) -> Packed:
    """Pack files: of each a name, what is answered to Range, and whether all whole ones are cut.

    What is answered without Range is the whole, with the fields of `MODIFIED` and `TAG`.
    """
    by_path = {f"/{name}.png": (answer, always) for name, answer, always in answers}
    begun: set[str] = set()

    def handler(asked: Asked, connection: socket.socket) -> bytes | bool:
        answer, always = by_path[asked.path]
        sent = answer(asked)
        if sent is None:
            sent = whole(TAG)
            is_first = asked.path not in begun
        else:
            is_first = False
        if is_first or (always and sent.startswith(b"HTTP/1.1 200") and b"-Range: " not in sent):
            begun.add(asked.path)
            sent = cut(sent)
        connection.sendall(sent)
        return False

    with RawOrigin(handler) as origin:
        packed = field.pack(*(f"{origin.url}{path}" for path in by_path), **settings)
    assert set(packed.entries.values()) == {DATA}, packed.report
    assert len(packed.entries) == len(answers), packed.report
    return packed


def to_range(answer: Callable[[int], bytes]) -> Answer:
    """Answer a request with Range this way; others with the whole file."""

    def answered(asked: Asked) -> bytes | None:
        start = asked.range_start()
        return None if start is None else answer(start)

    return answered


@case(
    kind=KIND,
    comes="the rest, rightly named by Content-Range, but with status 200",
    does="reads Content-Range and goes on; never stores the rest as the whole file",
    source="https://github.com/modelscope/modelscope_hub/issues/50",
)
def rest_with_status_200(field: Field) -> None:
    def answer(start: int) -> bytes:
        return part(start, TAG).replace(b"206 Partial Content", b"200 OK")

    resume(field, ("a", to_range(answer), True))


@case(
    kind=KIND,
    comes="to a plain request 206 with the first 100 kB, and so on for each further request",
    does="asks for slice after slice until the file is complete",
    source="https://github.com/ansible/ansible/issues/68843",
)
def slice_to_a_plain_request(field: Field) -> None:
    def answer(asked: Asked) -> bytes:
        start = asked.range_start() or 0
        return part(start, TAG, stop=min(TOTAL, start + 100_000))

    resume(field, ("a", answer, False))


@case(
    kind=KIND,
    comes="to a plain request 206 without Content-Range and the whole file",
    does="takes it as a 200",
    source="https://github.com/razzamatazm/mustarrd/pull/146",
)
def whole_file_with_status_206(field: Field) -> None:
    def answer(_: Asked) -> bytes:
        return whole(TAG).replace(b"200 OK", b"206 Partial Content")

    resume(field, ("a", answer, False))


@case(
    kind=KIND,
    comes="206 that begins at the start of a cache's block, before the requested byte",
    does="compares what comes again with what is held, then goes on",
    source="https://github.com/xroche/httrack/pull/428",
)
def part_that_begins_earlier(field: Field) -> None:
    resume(field, ("a", to_range(lambda start: part(start // 65536 * 65536, TAG)), True))


@case(
    kind=KIND,
    comes="Content-Range misspelt: no unit, `bytes=`, `bytes:`, no total, no end, an end too far",
    does="goes on if the entity tag is the same and the body reaches to the end of the file",
    source="https://github.com/httpie/cli/issues/515 https://github.com/resteasy/resteasy/pull/338",
)
def content_range_misspelt(field: Field) -> None:
    spellings = (
        "{start}-{last}/{total}", "bytes={start}-{last}/{total}", "bytes: {start}-{last}/{total}",
        "bytes {start}-{last}", "bytes {start}-{total}/{total}", "bytes {start}-/{total}",
    )  # fmt: skip

    def answer(spelling: str) -> Answer:
        def spelt(start: int) -> bytes:
            said = spelling.format(start=start, last=TOTAL - 1, total=TOTAL)
            return part(start, TAG, spells=said)

        return to_range(spelt)

    resume(field, *((str(n), answer(each), True) for n, each in enumerate(spellings)))


@case(
    kind=KIND,
    comes="403, 400, 404, 405, 412, 501 or 304 to every request with Range, the file to any other",
    does="asks once without Range",
    source="https://github.com/bezzad/Downloader/issues/220 "
    "https://github.com/lingochamp/FileDownloader/issues/265",
)
def range_refused(field: Field) -> None:
    def answer(status: str) -> Answer:
        body = b"" if status.startswith("304") else b"no"
        refusal = head(status, f"Content-Length: {len(body)}") + body
        return to_range(lambda _: refusal)

    statuses = ("403 Forbidden", "400 Bad Request", "404 Not Found", "405 Method Not Allowed",
                "412 Precondition Failed", "501 Not Implemented", "304 Not Modified")  # fmt: skip
    resume(field, *((each[:3], answer(each), False) for each in statuses))


def conditional(
    fields: Callable[[int], tuple[str, ...]],
    *,
    ignores: Callable[[str], bool] = lambda _: False,
    date: bool = True,
) -> Answer:
    """Serve validators as `fields` says for each request, by If-Range as RFC 9110 has it."""

    def answered(asked: Asked) -> bytes:
        given = fields(asked.number)
        start, condition = asked.range_start(), asked.fields.get("if-range")
        if condition is not None and (
            ignores(condition) or not any(f": {condition}" in each for each in given)
        ):
            start = None
        if start is None:
            return cut(whole(*given, date=date))
        return cut(part(start, *given, date=date))

    return answered


@case(
    kind=KIND,
    comes="validators that cannot stand in If-Range: an entity tag without quotes, a weak one",
    does="fetches the 64 KiB before the cut again, compares them, and goes on",
    source="https://github.com/781flyingdutchman/background_downloader/pull/562",
)
def tags_that_are_not_strong(field: Field) -> None:
    resume(
        field,
        ("unquoted", conditional(lambda _: ("ETag: 5f3a-11",)), False),
        ("weak", conditional(lambda _: ('ETag: W/"5f"',)), False),
    )


@case(
    kind=KIND,
    comes="another entity tag from each node behind a load balancer, with the same date",
    does="goes on by the date, once the 64 KiB before the cut are the same",
    source="https://github.com/781flyingdutchman/background_downloader/issues/541",
)
def tag_of_each_node(field: Field) -> None:
    resume(field, ("a", conditional(lambda n: (f'ETag: "node{n % 3}"', MODIFIED)), False))


@case(
    kind=KIND,
    comes="If-Range with an entity tag ignored: 200, though the tag is the same",
    does="asks once with a plain Range, and compares",
    source=PUBLIC,
)
def if_range_ignored(field: Field) -> None:
    ignores = conditional(lambda _: (TAG, MODIFIED), ignores=lambda word: word.startswith('"'))
    resume(field, ("a", ignores, False))


@case(
    kind=KIND,
    comes="a Last-Modified, but no Date that would say whether it is old enough to rely on",
    does="takes the time of receipt as Date (RFC 9110 6.6.1), and goes on by If-Range",
    source=PUBLIC,
)
def no_date(field: Field) -> None:
    resume(field, ("a", conditional(lambda _: (MODIFIED,), date=False), False))


@case(
    kind=KIND,
    comes="a file that changed between two tries, with the same weak tag and the same length",
    does="starts over: what comes again differs from what is held",
    source=PUBLIC,
)
def change_behind_a_weak_tag(field: Field) -> None:
    new = bytes(byte ^ 1 for byte in DATA)
    seen: list[int | None] = []

    def handler(asked: Asked, connection: socket.socket) -> bool:
        start = asked.range_start()
        seen.append(start)
        answer = whole('ETag: W/"5f"') if start is None else part(start, 'ETag: W/"5f"')
        if len(seen) == 1:
            connection.sendall(cut(answer))
        else:
            mark = answer.index(b"\r\n\r\n") + 4
            connection.sendall(answer[:mark] + new[start or 0 :])
        return False

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.png")
    assert packed.entries == {"a.png": new}
    assert seen == [None, CUT - 65536, None]
