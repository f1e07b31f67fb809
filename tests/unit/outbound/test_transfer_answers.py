"""The state machine of one source as a table: every answer in every state.

What is right is read from RFC 9110: 13.1.5 (If-Range), 14.4 (Content-Range), 15.3.7 (206), 15.4
(redirects), 15.5.17 (416).
"""

from __future__ import annotations

import pytest

from packmule.errors import FailureCode
from packmule.outbound.head import Head
from packmule.outbound.outcomes import (
    DiscardBody,
    Fail,
    Finished,
    Follow,
    Retry,
    TakeBody,
    TryFailed,
)
from packmule.outbound.transfer import (
    START,
    Limits,
    TransferState,
    begin,
    conclude,
    judge,
    range_fields,
)

DATE = "Mon, 02 Mar 2026 10:00:00 GMT"
MODIFIED = "Sun, 01 Mar 2026 10:00:00 GMT"
NEWER = "Sun, 01 Mar 2026 11:00:00 GMT"
NOW = 1_772_445_600.0
LIMITS = Limits(attempts=3, redirects=2, max_bytes=1000, overlap=20, least_overlap=10)
CUT = TryFailed(FailureCode.TRUNCATED, "cut")
HELD = TransferState(40, 100, '"v1"', None, "image/png", reached=40, tries=1, attempts=1)

STATES = {
    "first": START,
    "tag": HELD,
    "dated": HELD._replace(etag=None, last_modified=MODIFIED),
    "weak": HELD._replace(etag='W/"v1"', last_modified=MODIFIED),
    "all": HELD._replace(kept=100, total=None, reached=100),
    "bare": HELD._replace(etag=None),
    "wary": HELD._replace(distrust_ranges=True),
    "cut": HELD._replace(total=None),
    "named": HELD._replace(etag='W/"v1"'),
    "both": HELD._replace(last_modified=MODIFIED),
    "probe": HELD._replace(last_modified=MODIFIED, overlaps=True),
}
"""What is known before the try. `all`: every byte came, and the connection broke at their end.

`cut`: the body was cut, and its length is unknown. `named`: there is a weak tag only. `both`: a
strong tag and a date. `probe`: the same, and If-Range has failed already.
"""

WHOLE = {"date": DATE, "etag": '"v1"', "content-type": "image/png"}
DATED = {"date": DATE, "last-modified": MODIFIED}
WEAK = {**DATED, "etag": 'W/"v1"'}
HTML = {**WHOLE, "content-type": "text/html; charset=utf-8"}


def part(span: str = "40-99/100", **more: str) -> dict[str, str]:
    return {**WHOLE, "content-range": f"bytes {span}", **more}


ANSWERS: dict[str, Head] = {
    "200": Head(200, WHOLE, 100),
    "200 of unknown length": Head(200, WHOLE, None),
    "200 of another version": Head(200, {**WHOLE, "etag": '"v2"'}, 70),
    "200 of another tag and date": Head(200, {**WHOLE, **DATED, "etag": '"n2"'}, 100),
    "200 by weak tag": Head(200, {"etag": 'W/"v1"'}, 100),
    "200, ranges: none": Head(200, {**WHOLE, "accept-ranges": "none"}, 100),
    "200, the rest": Head(200, part(), 60),
    "200, its beginning": Head(200, part("0-59/100"), 60),
    "200, its end": Head(200, part("50-99/100"), 50),
    "200, all of it": Head(200, part("0-99/100"), 100),
    "203": Head(203, WHOLE, 100),
    "201": Head(201, WHOLE, 100),
    "299": Head(299, WHOLE, 100),
    "200 at the limit": Head(200, WHOLE, 1000),
    "200 beyond the limit": Head(200, WHOLE, 1001),
    "200, a page": Head(200, HTML, 30),
    "200, a page of XHTML": Head(200, {"content-type": "application/xhtml+xml"}, 30),
    "206, the rest": Head(206, part(), 60),
    "206, the rest, chunked": Head(206, part(), None),
    "206, a piece of the rest": Head(206, part("40-59/100"), 20),
    "206, total unknown": Head(206, part("40-99/*"), 60),
    "206, from the start": Head(206, part("0-99/100"), 100),
    "206, a piece from the start": Head(206, part("0-59/100"), 60),
    "206, later": Head(206, part("41-99/100"), 59),
    "206, later, chunked": Head(206, part("41-99/100"), None),
    "206, another total": Head(206, part("40-100/101"), 61),
    "206, past its total": Head(206, part("40-100/100"), 61),
    "206, backwards": Head(206, part("40-39/100"), 0),
    "206, of another length": Head(206, part(), 61),
    "206, another tag": Head(206, part(etag='"v2"'), 60),
    "206 with no tag": Head(206, {"content-range": "bytes 40-99/100"}, 60),
    "206 by date": Head(206, DATED | {"content-range": "bytes 40-99/100"}, 60),
    "206 by a newer date": Head(
        206, {"last-modified": NEWER, "content-range": "bytes 40-99/100"}, 60
    ),
    "206 by date and weak tag": Head(206, WEAK | {"content-range": "bytes 40-99/100"}, 60),
    "206, encoded": Head(206, part(**{"content-encoding": "gzip"}), 60),
    "206, 20 bytes earlier": Head(206, part("20-99/100"), 80),
    "206, 5 bytes earlier": Head(206, part("35-99/100"), 65),
    "206, earlier, another tag": Head(206, DATED | part("20-99/100", etag='"n2"'), 80),
    "206, earlier, weak tag": Head(206, part("20-99/100", etag='W/"v1"'), 80),
    "206, earlier, new date": Head(
        206, part("20-99/100", etag='"n2"', **{"last-modified": NEWER}), 80
    ),
    "206 without a unit": Head(206, {**WHOLE, "content-range": "40-99/100"}, 60),
    "206 without a total": Head(206, {**WHOLE, "content-range": "bytes=40-99"}, 60),
    "206 without an end": Head(206, {**WHOLE, "content-range": "bytes: 40-/100"}, 60),
    "206, an end too far": Head(206, part("40-100/100"), 60),
    "206 without a unit, short": Head(206, {**WHOLE, "content-range": "40-99/100"}, 59),
    "206 without a unit, later": Head(206, {**WHOLE, "content-range": "41-99/100"}, 59),
    "206, many parts": Head(206, part(**{"content-type": "multipart/byteranges; boundary=x"}), 60),
    "206 without Content-Range": Head(206, WHOLE, 60),
    "206 in other units": Head(206, {**WHOLE, "content-range": "lines 40-99/100"}, 60),
    "416 of what is held": Head(416, {"etag": '"v1"', "content-range": "bytes */100"}, 0),
    "416 of more": Head(416, {"etag": '"v1"', "content-range": "bytes */101"}, 0),
    "416 of what was cut": Head(416, {"etag": '"v1"', "content-range": "bytes */40"}, 0),
    "416 of another tag": Head(416, {"etag": '"v2"', "content-range": "bytes */100"}, 0),
    "416 with no tag": Head(416, {"content-range": "bytes */100"}, 0),
    "416, no more said": Head(416, {}, 0),
    "302": Head(302, {"location": "/there"}, 0),
    "302 to nowhere": Head(302, {}, 0),
    "302 to an empty place": Head(302, {"location": ""}, 0),
    "304": Head(304, {"etag": '"v1"'}, 0),
    "202": Head(202, WHOLE, 100),
    "204": Head(204, {}, None),
    "205": Head(205, {}, None),
    "207": Head(207, WHOLE, 100),
    "208": Head(208, WHOLE, 100),
    "503": Head(503, {}, 0),
    "503, come later": Head(503, {"retry-after": "7"}, 0),
    "403": Head(403, {}, 0),
}

# A cell: `new`: taken from byte 0; `on`: taken where it was cut; `cmp`: so, once the bytes that
# came again have been compared; `again`: another try; `probe`: another at once, whose bytes are
# compared; `whole`: another try, which never again asks for a part; `later`: another try when the
# origin says so; `done`: all is held; `there`: ask there; the others: given up, see CODES.
TABLE = """
answer                     |first|tag  |dated|weak |all  |bare |wary |cut  |named|both |probe
200                        |new  |probe|new  |new  |new  |new  |new  |new  |new  |probe|new
200 of unknown length      |new  |new  |new  |new  |new  |new  |new  |new  |new  |new  |new
200 of another version     |new  |new  |new  |new  |new  |new  |new  |new  |new  |new  |new
200 of another tag and date|new  |new  |probe|probe|new  |new  |new  |new  |new  |probe|new
200 by weak tag            |new  |new  |new  |probe|new  |new  |new  |new  |new  |new  |new
200, ranges: none          |new  |new  |new  |new  |new  |new  |new  |new  |new  |new  |new
200, the rest              |bad  |on   |on   |whole|whole|bad  |bad  |on   |whole|on   |whole
200, its beginning         |new  |cmp  |cmp  |whole|whole|new  |new  |cmp  |whole|cmp  |cmp
200, its end               |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
200, all of it             |new  |probe|new  |new  |new  |new  |new  |new  |new  |probe|new
203                        |new  |probe|new  |new  |new  |new  |new  |new  |new  |probe|new
201                        |new  |probe|new  |new  |new  |new  |new  |new  |new  |probe|new
299                        |new  |probe|new  |new  |new  |new  |new  |new  |new  |probe|new
200 at the limit           |new  |new  |new  |new  |new  |new  |new  |new  |new  |new  |new
200 beyond the limit       |large|large|large|large|large|large|large|large|large|large|large
200, a page                |new  |html |html |html |html |html |html |html |html |html |html
200, a page of XHTML       |new  |html |html |html |html |html |html |html |html |html |html
206, the rest              |bad  |on   |on   |whole|whole|bad  |bad  |on   |whole|on   |whole
206, the rest, chunked     |bad  |on   |on   |whole|whole|bad  |bad  |on   |whole|on   |whole
206, a piece of the rest   |bad  |on   |on   |whole|whole|bad  |bad  |on   |whole|on   |whole
206, total unknown         |bad  |on   |on   |whole|whole|bad  |bad  |on   |whole|on   |whole
206, from the start        |new  |cmp  |cmp  |whole|whole|new  |new  |cmp  |whole|cmp  |cmp
206, a piece from the start|new  |cmp  |cmp  |whole|whole|new  |new  |cmp  |whole|cmp  |cmp
206, later                 |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206, later, chunked        |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206, another total         |bad  |whole|whole|whole|cmp  |bad  |bad  |on   |whole|whole|whole
206, past its total        |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206, backwards             |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206, of another length     |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206, another tag           |bad  |whole|on   |whole|whole|bad  |bad  |whole|whole|whole|whole
206 with no tag            |bad  |whole|on   |whole|whole|bad  |bad  |whole|whole|whole|whole
206 by date                |bad  |whole|on   |probe|whole|bad  |bad  |whole|whole|probe|whole
206 by a newer date        |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206 by date and weak tag   |bad  |whole|on   |on   |whole|bad  |bad  |whole|whole|probe|whole
206, encoded               |bad  |probe|whole|whole|whole|bad  |bad  |whole|whole|probe|whole
206, 20 bytes earlier      |bad  |cmp  |cmp  |whole|whole|bad  |bad  |cmp  |whole|cmp  |cmp
206, 5 bytes earlier       |bad  |cmp  |cmp  |whole|whole|bad  |bad  |cmp  |whole|cmp  |whole
206, earlier, another tag  |bad  |whole|cmp  |cmp  |whole|bad  |bad  |whole|whole|cmp  |cmp
206, earlier, weak tag     |bad  |whole|cmp  |cmp  |whole|bad  |bad  |whole|cmp  |whole|whole
206, earlier, new date     |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206 without a unit         |bad  |on   |whole|whole|whole|bad  |bad  |whole|whole|on   |whole
206 without a total        |bad  |on   |whole|whole|whole|bad  |bad  |whole|whole|on   |whole
206 without an end         |bad  |on   |whole|whole|whole|bad  |bad  |whole|whole|on   |whole
206, an end too far        |bad  |on   |whole|whole|whole|bad  |bad  |whole|whole|on   |whole
206 without a unit, short  |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206 without a unit, later  |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206, many parts            |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
206 without Content-Range  |new  |whole|whole|whole|whole|new  |new  |whole|whole|whole|whole
206 in other units         |bad  |whole|whole|whole|whole|bad  |bad  |whole|whole|whole|whole
416 of what is held        |final|whole|whole|whole|done |final|final|whole|whole|whole|whole
416 of more                |final|whole|whole|whole|whole|final|final|whole|whole|whole|whole
416 of what was cut        |final|whole|whole|whole|whole|final|final|done |whole|whole|whole
416 of another tag         |final|whole|whole|whole|whole|final|final|whole|whole|whole|whole
416 with no tag            |final|whole|whole|whole|whole|final|final|whole|whole|whole|whole
416, no more said          |final|whole|whole|whole|whole|final|final|whole|whole|whole|whole
302                        |there|there|there|there|there|there|there|there|there|there|there
302 to nowhere             |final|final|final|final|final|final|final|final|final|final|final
302 to an empty place      |final|final|final|final|final|final|final|final|final|final|final
304                        |final|whole|whole|whole|whole|final|final|whole|whole|whole|whole
202                        |final|final|final|final|final|final|final|final|final|final|final
204                        |final|final|final|final|final|final|final|final|final|final|final
205                        |final|final|final|final|final|final|final|final|final|final|final
207                        |final|final|final|final|final|final|final|final|final|final|final
208                        |final|final|final|final|final|final|final|final|final|final|final
503                        |again|again|again|again|again|again|again|again|again|again|again
503, come later            |later|later|later|later|later|later|later|later|later|later|later
403                        |final|whole|whole|whole|whole|final|final|whole|whole|whole|whole
"""

CODES = {
    "large": FailureCode.TOO_LARGE,
    "html": FailureCode.CHANGED,
    "bad": FailureCode.BAD_RESPONSE,
    "final": FailureCode.HTTP_STATUS,
}


def cells() -> list[tuple[str, str, str]]:
    first, *rows = ([cell.strip() for cell in row.split("|")] for row in TABLE.strip().split("\n"))
    return [
        (state, row[0], wanted)
        for row in rows
        for state, wanted in zip(first[1:], row[1:], strict=True)
    ]


def word(state: TransferState, answer: Head) -> str:  # noqa: PLR0911 - one for each word
    """Say in the table's words what an answer leads to, and check what goes with each word."""
    after, verdict = judge(state, answer, LIMITS, now=NOW)
    if isinstance(verdict, TakeBody):
        assert after.kept == verdict.start
        assert verdict.total == after.total
        assert verdict.start in {0, state.kept}
        if verdict.repeated:
            assert verdict.start
            return "cmp"
        return "on" if verdict.start else "new"
    assert after.kept == state.kept
    match verdict.after:
        case Finished():
            return "done"
        case Follow(location):
            assert (location, after.redirects) == ("/there", 1)
            return "there"
        case Fail(failure):
            assert failure.http_status == answer.status or failure.code is not CODES["final"]
            return next(name for name, code in CODES.items() if code is failure.code)
        case Retry(delay, cause, named_by_origin=True):
            assert (delay, cause.http_status) == (7.0, 503)
            return "later"
        case Retry(delay=0.0, cause=cause, fruitful=True):
            assert after.overlaps
            assert not state.overlaps
            return "probe"
        case Retry(cause=cause):
            assert cause.http_status == answer.status
            return "whole" if after.distrust_ranges and not state.distrust_ranges else "again"


def test_the_table_names_every_state_and_every_answer() -> None:
    assert [(s, a) for s, a, _ in cells()] == [(s, a) for a in ANSWERS for s in STATES]


@pytest.mark.parametrize(("state", "answer", "wanted"), cells())
def test_an_answer_leads_to(state: str, answer: str, wanted: str) -> None:
    assert word(begin(STATES[state], LIMITS), ANSWERS[answer]) == wanted


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("first", ()),
        ("tag", (b"Range: bytes=40-", b'If-Range: "v1"')),
        ("dated", (b"Range: bytes=40-", b"If-Range: " + MODIFIED.encode())),
        ("weak", (b"Range: bytes=40-", b"If-Range: " + MODIFIED.encode())),
        ("all", (b"Range: bytes=100-", b'If-Range: "v1"')),
        ("bare", ()),
        ("wary", ()),
        ("cut", (b"Range: bytes=40-", b'If-Range: "v1"')),
        ("named", (b"Range: bytes=20-",)),
        ("both", (b"Range: bytes=40-", b'If-Range: "v1"')),
        ("probe", (b"Range: bytes=20-",)),
    ],
)
def test_a_try_asks_for_what_is_missing(state: str, fields: tuple[bytes, ...]) -> None:
    begun = begin(STATES[state], LIMITS)
    assert range_fields(begun, LIMITS) == fields
    assert begun.kept == (STATES[state].kept if fields else 0)


@pytest.mark.parametrize(
    ("kept", "fields"), [(0, ()), (1, (b"Range: bytes=1-", b'If-Range: "v1"'))]
)
def test_one_byte_is_enough_to_ask_for_the_rest_and_none_is_not(
    kept: int, fields: tuple[bytes, ...]
) -> None:
    begun = begin(HELD._replace(kept=kept), LIMITS)
    assert (begun.kept, range_fields(begun, LIMITS)) == (kept, fields)


def test_a_strong_tag_names_a_version_whatever_its_date_says() -> None:
    both = Head(200, {**WHOLE, **DATED}, 100)
    state, _ = judge(begin(START, LIMITS), both, LIMITS, now=NOW)
    state, _ = conclude(state, 40, CUT, LIMITS)
    rest = Head(206, part(**{"last-modified": NEWER}), 60)
    assert word(begin(state, LIMITS), rest) == "on"


def test_a_page_that_was_cut_may_be_sent_again_as_a_page() -> None:
    page = HELD._replace(content_type="text/html")
    assert word(begin(page, LIMITS), ANSWERS["200, a page"]) == "new"


def test_a_416_without_a_tag_confirms_no_end_of_what_is_held_by_its_date() -> None:
    held = STATES["dated"]._replace(total=None)
    answer = Head(416, {"content-range": "bytes */40"}, 0)
    assert word(begin(held, LIMITS), answer) == "whole"


@pytest.mark.parametrize(
    "status", [408, 421, 425, 429, 500, 502, 503, 504, 507, 509, *range(520, 525)]
)
def test_a_status_that_may_pass_is_tried_again(status: int) -> None:
    assert word(begin(HELD, LIMITS), Head(status, {}, 0)) == "again"


@pytest.mark.parametrize(
    "status", [304, 305, 400, 401, 404, 405, 406, 410, 413, 415, 451, 501, 505]
)
def test_a_status_that_will_not_pass_is_told_at_once(status: int) -> None:
    answer = Head(status, {"location": "/there"}, 0)
    assert word(begin(START, LIMITS), answer) == "final"
    assert word(begin(HELD._replace(distrust_ranges=True), LIMITS), answer) == "final"


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 405, 410, 412, 451, 501, 505])
def test_an_error_to_a_resume_is_no_word_about_the_file(status: int) -> None:
    assert word(begin(HELD, LIMITS), Head(status, {}, 0)) == "whole"
    assert word(begin(STATES["named"], LIMITS), Head(status, {}, 0)) == "whole"


@pytest.mark.parametrize("status", [204, 300, 305])
def test_an_answer_that_is_neither_file_nor_error_is_told_at_once(status: int) -> None:
    assert word(begin(HELD, LIMITS), Head(status, {}, 0)) == "final"


@pytest.mark.parametrize(
    ("status", "fields", "words"),
    [
        (302, {}, "the origin answered 302 without saying where to go"),
        (404, {}, "the origin answered 404"),
        (
            503,
            {"cf-mitigated": "challenge"},
            (
                "the origin answered 503 with a check that only browsers pass: "
                "open the link in a browser"
            ),
        ),
    ],
)
def test_a_refusal_is_told_in_words(status: int, fields: dict[str, str], words: str) -> None:
    _, verdict = judge(begin(START, LIMITS), Head(status, fields, 0), LIMITS, now=NOW)
    assert verdict.after.failure.detail == words  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirects_in_a_row_are_bounded_and_a_try_begins_anew(status: int) -> None:
    answer = Head(status, {"location": "/there"}, 0)
    state = begin(START, LIMITS)
    for hop in range(1, 1 + LIMITS.redirects):
        state, verdict = judge(state, answer, LIMITS, now=NOW)
        assert verdict == DiscardBody(Follow("/there"))
        state = begin(state, LIMITS)
        assert (state.redirects, state.attempts) == (hop, 1)
    _, verdict = judge(state, answer, LIMITS, now=NOW)
    assert verdict.after.failure.code is FailureCode.REDIRECTS  # type: ignore[union-attr]
    state, _ = conclude(state, 0, CUT, LIMITS)
    assert begin(state, LIMITS).redirects == 0


def test_each_try_is_counted_once() -> None:
    first = begin(START, LIMITS)
    second = begin(first, LIMITS)
    assert (first.attempts, second.attempts) == (1, 2)
