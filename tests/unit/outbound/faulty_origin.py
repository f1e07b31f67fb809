"""A model of an origin for random tests: it holds versions of a file, and departs from the right.

Shares nothing with the state machine but the words at its border; knows of every answer which bytes
it carries. Leaves judging to the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

from packmule.errors import FailureCode
from packmule.outbound.head import Head
from packmule.outbound.outcomes import TryFailed

DATE = "Mon, 02 Mar 2026 10:00:00 GMT"
PARTIAL = 206
CUT = TryFailed(FailureCode.TRUNCATED, "cut")
STALLED = TryFailed(FailureCode.STALLED, "stalled")
SILENT = TryFailed(FailureCode.BAD_RESPONSE, "no answer")

KINDS = (
    "cut", "stall", "chunks", "silent", "busy", "redirect", "heedless", "careless", "misplaced",
    "unwilling", "resized", "wrapped", "page", "multipart", "short", "vague",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What one request meets. `at` says where, in thousandths of what was to come."""

    kind: str
    at: int = 0
    changed: bool = False
    forgotten: int = 0
    """Of what is held, how many bytes are let go before the next try (a kill, or little memory)."""
    restarted: bool = False
    """The process is another one then: only what is in a checkpoint is known."""


@dataclass
class Origin:
    """Holds one version at a time; `validators` are those it gives."""

    size: int
    validators: frozenset[str]
    version: int = 0
    told: bool = False
    """Whether the length was told with what the client holds: only then is another one a lie."""

    @property
    def data(self) -> bytes:
        step = 2 * self.version + 1
        return bytes((self.version * 89 + step * at) % 251 for at in range(self.size))

    def change(self, by: int) -> None:
        """Put another version there, so many bytes longer: of the same length too."""
        self.version += 1
        self.size += by

    @property
    def fields(self) -> dict[str, str]:
        given = {"date": DATE, "content-type": "image/png"}
        if "tag" in self.validators:
            given["etag"] = f'"v{self.version}"'
        if "weak" in self.validators:
            given["etag"] = f'W/"v{self.version}"'
        if "date" in self.validators:
            given["last-modified"] = f"Sun, 01 Mar 2026 10:00:{self.version:02d} GMT"
        return given

    def holds(self, condition: str) -> bool:
        """Compare as If-Range does: a weak tag never matches (RFC 9110 13.1.5)."""
        fields = self.fields
        tag = fields.get("etag", "W/")
        return condition in {fields.get("last-modified"), None if tag.startswith("W/") else tag}


@dataclass(frozen=True)
class Answer:
    """A head, the bytes that follow it, and how the connection ends."""

    head: Head | None
    body: bytes = b""
    broken: TryFailed | None = None


def answer(origin: Origin, fault: Fault | None, start: int | None, condition: str | None) -> Answer:
    """Answer a request for the whole, or from `start` on; None: without a condition."""
    kind = fault.kind if fault is not None else "none"
    data, total = origin.data, origin.size
    part = start is not None and (
        condition is None or origin.holds(condition) or kind == "careless"
    )
    if kind == "heedless":
        part = False
    if part and start is not None and start >= total:
        fields = {**origin.fields, "content-range": f"bytes */{total}"}
        return Answer(Head(416, fields, 0))
    first = start if part and start is not None else 0
    fields, status = origin.fields, 200
    if part:
        fields, status = {**fields, "content-range": f"bytes {first}-{total - 1}/{total}"}, 206
    right = Answer(Head(status, fields, total - first), data[first:])
    return right if fault is None else _wrong(right, origin, fault, first)


def _wrong(right: Answer, origin: Origin, fault: Fault, first: int) -> Answer:
    """Depart from the right answer in one way."""
    head, body = right.head, right.body
    assert head is not None
    if head.status == PARTIAL and (lie := _lie(head, body, origin, fault, first)) is not None:
        return lie
    stop = len(body) * fault.at // 1000
    some, end = body[:stop], CUT if stop < len(body) else None
    # What counts are the bytes that came, whatever they decode to.
    wrapped = head._replace(fields={**head.fields, "content-encoding": "gzip"})
    busy = {"retry-after": str(fault.at % 9)} if fault.at % 2 else {}
    departures = {
        "stall": Answer(head, some, STALLED),
        "chunks": Answer(head._replace(content_length=None), some, CUT),
        "silent": Answer(None, broken=SILENT),
        "busy": Answer(Head((429, 500, 503)[fault.at % 3], busy, 3), b"no\n"),
        "redirect": Answer(Head(302, {"location": "/there"}, 0)),
        "wrapped": Answer(wrapped, some, CUT),
        "careless": right,  # of whatever version is there now
        "page": Answer(Head(200, {"content-type": "text/html"}, 30), b"<html>", CUT),
    }
    return departures.get(fault.kind, Answer(head, some, end))


def _lie(head: Head, body: bytes, origin: Origin, fault: Fault, first: int) -> Answer | None:
    """Answer a resume with what does not fit; None where the fault is another one."""
    total, stop = origin.size, len(body) * fault.at // 1000

    def part(start: int, end: int, of: int | str, data: bytes) -> Answer:
        span = {"content-range": f"bytes {start}-{end - 1}/{of}"}
        return Answer(Head(PARTIAL, {**head.fields, **span}, end - start), data)

    lie: Answer | None = None
    match fault.kind:
        case "misplaced":
            at = max(0, first - 1) if fault.at % 2 else first + 1
            wrong = part(at, total, total, origin.data[at:])
            assert wrong.head is not None
            # Chunked, no length gives it away.
            lie = Answer(wrong.head._replace(content_length=None), wrong.body)
        case "wrapped":
            fields = {**head.fields, "content-encoding": "gzip"}
            lie = Answer(Head(PARTIAL, fields, None), b"??" + body)
        case "unwilling":
            lie = Answer(Head(416, {"content-range": f"bytes */{total}"}, 0))
        case "resized" if origin.told:
            lie = part(first, total + 1, total + 1, body + b"?")
        case "multipart":
            fields = {**head.fields, "content-type": "multipart/byteranges; boundary=x"}
            lie = Answer(Head(PARTIAL, fields, None), b"--x" + body)
        case "short" if stop:
            lie = part(first, first + stop, total, body[:stop])
        case "vague" if stop:  # a part, all of the rest or less, of a length that is not told
            lie = part(first, first + stop, "*", body[:stop])
    return lie
