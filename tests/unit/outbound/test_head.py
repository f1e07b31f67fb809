"""A response's head as libcurl hands it over: status, lengths, validators, ranges, dates."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from packmule.outbound.head import (
    ContentRange,
    Head,
    HeadIncomplete,
    HeadInvalid,
    http_date,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DATE = "Mon, 02 Mar 2026 10:00:00 GMT"
AT = 1_772_445_600


def lines(*fields: str, status: str = "HTTP/1.1 200 OK") -> list[bytes]:
    """Return the lines of one response, as they come."""
    return [f"{line}\r\n".encode("latin-1") for line in (status, *fields, "")]


def head(**fields: str) -> Head:
    return Head(200, {name.replace("_", "-"): value for name, value in fields.items()}, None)


@pytest.mark.parametrize("line", [b": 500\r\n", b":\x00", b"no colon\r\n", b"HTTP/1.1 \r\n", b""])
def test_a_line_without_a_name_says_nothing(line: bytes) -> None:
    read = parse([b"HTTP/1.1 200 OK\r\n", line, b"A: b\r\n", b"\r\n"])
    assert (read.status, read.fields) == (200, {"a": "b"})
    with pytest.raises(HeadIncomplete):
        parse([line])


def test_names_are_lower_case_and_values_are_stripped() -> None:
    assert parse(lines('ETag:  \t"v1" ', "X-Empty:")).fields == {"etag": '"v1"', "x-empty": ""}


@pytest.mark.parametrize(
    ("status", "number"),
    [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.0 404", 404),
        ("HTTP/2 206 ", 206),
        ("HTTP/1.1 999 x", 999),
    ],
)
def test_the_status_line_needs_no_reason(status: str, number: int) -> None:
    assert parse(lines("A: b", status=status)).status == number


@pytest.mark.parametrize(
    "status", ["HTTP/1.1 20", "HTTP/1.1 2000 OK", "HTTP/1.1 abc", "ICY 200 OK"]
)
def test_a_status_line_without_a_status_begins_no_head(status: str) -> None:
    with pytest.raises(HeadIncomplete):
        parse(lines("A: b", status=status))


@pytest.mark.parametrize("field", ["A: b", "A: b\r\nA: c"])
def test_the_last_field_of_a_name_counts(field: str) -> None:
    *_, last = field.split(": ")
    assert parse(lines(*field.split("\r\n"))).fields == {"a": last}


@pytest.mark.parametrize("repeated", [(), ("Vary: a", "Vary: b")])
def test_an_interim_answer_is_passed_over(repeated: tuple[str, ...]) -> None:
    hints = lines("Link: </a>", "Content-Length: 7", *repeated, status="HTTP/1.1 103 Early Hints")
    read = parse([*hints, *lines("Content-Length: 5", "A: b")])
    assert (read.status, read.content_length) == (200, 5)
    assert read.fields == {"content-length": "5", "a": "b"}


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_the_lengths_of_an_interim_answer_and_of_trailers_contradict_nothing(end: bytes) -> None:
    hints = lines("Content-Length: 7", status="HTTP/1.1 103 Early Hints")
    final = lines("Content-Length: 5", "Content-Length: 5")
    whole = [*hints, *final, b"Content-Length: 6\r\n"]
    assert parse([line.replace(b"\r\n", end) for line in whole]).content_length == 5


@pytest.mark.parametrize(
    "whole",
    [
        lines(status="HTTP/1.1 100 Continue"),
        lines("A: b", status="HTTP/1.1 199 Almost"),
        lines("A: b")[:-1],
        lines()[:-1],
        [b"\r\n"],
        [b"A: 200\r\n", b"B: c\r\n", b"\r\n"],
        [*lines(status="HTTP/1.1 103 Early Hints"), *lines("A: b")[:-1]],
    ],
)
def test_a_head_that_is_not_whole_or_not_final_is_incomplete(whole: list[bytes]) -> None:
    with pytest.raises(HeadIncomplete):
        parse(whole)


def test_trailers_are_not_of_the_head() -> None:
    read = parse([*lines("A: b", "Content-Length: 5"), b"Content-Length: 6\r\n", b"A: c\r\n"])
    assert read.fields == {"a": "b", "content-length": "5"}
    assert read.content_length == 5


def test_lines_may_end_in_a_line_feed_alone() -> None:
    assert parse([b"HTTP/1.1 200 OK\n", b"A: b\n", b"\n"]) == Head(200, {"a": "b"}, None)


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ((), None),
        (("Content-Length: 0",), 0),
        (("Content-Length: 5",), 5),
        (("content-LENGTH:5",), 5),
        (("Content-Length: 5", "Content-Length: 5"), 5),
        (("Content-Length: 5, 5",), 5),
        (("Content-Length: 5", "Content-Length: 5,5 ,\t5"), 5),
        (("Content-Length: " + "9" * 18,), 10**18 - 1),
        (("Content-Length: 5", "Set-Cookie: a", "Set-Cookie: b"), 5),
        (("Content-Length: 5", "Transfer-Encoding: chunked"), None),
        (("Transfer-Encoding: chunked",), None),
        (("Content-Length: +5",), None),
        (("Content-Length: -5",), None),
        (("Content-Length: 5.0",), None),
        (("Content-Length: 0x5",), None),
        (("Content-Length: 5 5",), None),
        (("Content-Length:",), None),
        (("Content-Length: five",), None),
        (("Content-Length: \xb2",), None),  # a digit to Python, not to HTTP
        (("Content-Length: " + "9" * 19,), None),
        (("Content-Length: " + "0" * 20,), None),
        (("Content-Length: +5", "Transfer-Encoding: chunked"), None),
    ],
)
def test_the_length_is_what_all_fields_agree_on(
    fields: tuple[str, ...], length: int | None
) -> None:
    assert parse(lines(*fields)).content_length == length


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 6", "A: b", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6", "A: b"),
        ("Content-Length: 5, 6",),
        ("Content-Length: ,5",),
    ],
)
def test_a_length_that_contradicts_another_is_not_believed(
    fields: tuple[str, ...],
) -> None:
    with pytest.raises(HeadInvalid) as refused:
        parse(lines(*fields))
    assert not isinstance(refused.value, HeadIncomplete)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ('"v1"', '"v1"'),
        ('W/"v1"', 'W/"v1"'),
        ("v1", "v1"),  # malformed, so it is only ever compared
        ("v\x01", None),
        ("", None),
    ],
)
def test_an_entity_tag_is_kept_as_it_was_sent(value: str, tag: str | None) -> None:
    assert head(etag=value).etag == tag
    assert Head(200, {}, None).etag is None


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_a_transfer_encoding_that_is_none_leaves_the_length(coding: str) -> None:
    assert parse(lines(f"Transfer-Encoding: {coding}", "Content-Length: 5")).content_length == 5


def test_a_status_line_may_be_in_lower_case() -> None:
    assert parse([b"http/1.1 200 OK\r\n", b"\r\n"]).status == 200


@pytest.mark.parametrize(
    ("modified", "sent", "valid"),
    [
        ("Mon, 02 Mar 2026 09:59:59 GMT", DATE, True),
        (DATE, DATE, False),  # within one second there may be two versions
        ("Mon, 02 Mar 2026 10:00:01 GMT", DATE, False),
        ("Mon, 02 Mar 2026 09:59:59 GMT", "soon", False),
        ("long ago", DATE, False),
        ("Mon, 02 Mar 2026 09:59:59 GMT\x01", DATE, False),
    ],
)
def test_last_modified_tells_versions_apart_where_it_is_before_the_date(
    modified: str, sent: str, *, valid: bool
) -> None:
    assert head(last_modified=modified, date=sent).last_modified == (modified if valid else None)
    assert head(last_modified=modified).last_modified is None
    assert head(date=sent).last_modified is None


def test_dates_are_told_in_posix_seconds() -> None:
    dated = head(last_modified=DATE, date="Mon, 02 Mar 2026 10:00:01 GMT")
    assert (dated.modified_at, dated.sent_at) == (AT, AT + 1)
    assert (head().modified_at, head().sent_at) == (None, None)


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ("image/PNG", "image/png"),
        (" text/html ; charset=utf-8", "text/html"),
        ("", None),
        ("; charset=utf-8", None),
    ],
)
def test_the_media_type_comes_without_its_parameters(value: str, media_type: str | None) -> None:
    assert head(content_type=value).content_type == media_type
    assert head().content_type is None


@pytest.mark.parametrize(
    ("value", "codings"),
    [
        ("", ()),
        ("identity", ()),
        ("Identity", ()),
        ("GZIP", ("gzip",)),
        ("identity, aws-chunked", ("aws-chunked",)),
        ("deflate ,, X-Gzip", ("deflate", "x-gzip")),
        ("a, b, c, d, e", ("b", "c", "d", "e")),
    ],
)
def test_identity_is_no_coding(value: str, codings: tuple[str, ...]) -> None:
    assert head(content_encoding=value).content_codings == codings
    assert head().content_codings == ()


def test_lines_of_codings_are_one_list() -> None:
    lines = [b"HTTP/1.1 200 OK\r\n"]
    lines += [b"Content-Encoding: deflate\r\n", b"content-encoding: gzip\r\n", b"\r\n"]
    assert parse(lines).content_codings == ("deflate", "gzip")


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes 40-99/100", ContentRange(40, 100, 100)),
        ("Bytes  40-99/*", ContentRange(40, 100, None)),
        (" bytes 0-0/1 ", ContentRange(0, 1, 1)),
        ("bytes */100", ContentRange(None, None, 100)),
        ("bytes */*", ContentRange(None, None, None)),
        ("bytes 40-/100", None),
        ("bytes -99/100", None),
        ("bytes=40-99/100", None),
        ("40-99/100", None),
        ("bytes 40-99", None),
        ("bytes 40-99/100, 0-1/100", None),
        ("bytes 40-" + "9" * 19 + "/*", None),
        ("lines 1-2/3", None),
        ("", None),
    ],
)
def test_a_content_range_is_half_open_or_none(value: str, part: ContentRange | None) -> None:
    assert head(content_range=value).content_range == part
    assert head().content_range is None


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this machine nine hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Mon, 02 Mar 2026 19:00:00 GMT", AT + 32_400),
        ("Monday, 02-Mar-26 19:00:01 GMT", AT + 32_401),  # RFC 850
        ("Mon Mar  2 19:00:02 2026", AT + 32_402),  # asctime, which names no zone
        ("Mon, 02 Mar 2026 19:00:03 -0000", AT + 32_403),
        ("Mon, 02 Mar 2026 19:00:04 +0900", AT + 4),
    ],
)
def test_a_date_without_a_zone_is_utc_wherever_this_machine_is(value: str, seconds: int) -> None:
    assert http_date(value) == seconds


@pytest.mark.parametrize("value", [None, "", "soon", "Mon, 32 Mar 2026 10:00:00 GMT", "x" * 65])
def test_what_is_no_date_is_none(value: str | None) -> None:
    assert http_date(value) is None
    assert http_date(value) is None


def test_a_date_may_be_as_long_as_the_longest_form_and_some_blanks() -> None:
    assert http_date(DATE + " " * (64 - len(DATE))) == AT
    assert http_date(DATE + " " * (65 - len(DATE))) is None


def test_many_dates_are_read_as_well_as_few() -> None:
    dates = [
        f"Mon, 02 Mar 2026 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02} GMT" for n in range(3000)
    ]
    assert [http_date(date) for date in dates] == [AT - 36_000 + n for n in range(3000)]


def test_many_lines_are_read_as_well_as_few() -> None:
    for n in range(5000):
        assert parse(lines(f"X-Number: {n}", f"X-Long: {n}{'x' * 200}")).fields["x-number"] == str(
            n
        )


@pytest.mark.parametrize(("count", "length"), [(4_500, 180), (100, 60_000)])
def test_the_lines_that_are_remembered_are_few_and_short(count: int, length: int) -> None:
    tracemalloc.start()
    try:
        for n in range(count):
            parse(lines(f"X-Number: {n:0{length}}"))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2_000_000


def test_a_date_of_any_length_costs_nothing() -> None:
    date = b"Date: Mon, 05 Jan 2026 10:00:00 GMT" + b" " * 60_000 + b"x\r\n"
    assert parse([b"HTTP/1.1 200 OK\r\n", date, b"\r\n"]).sent_at is None


def test_a_tag_or_a_type_that_is_too_long_to_keep_is_none() -> None:
    assert head(etag=f'"{"x" * 1022}"').etag is not None
    assert head(etag=f'"{"x" * 1023}"').etag is None
    assert head(content_type="a/" + "b" * 1022).content_type is not None
    assert head(content_type="a/" + "b" * 1023).content_type is None
