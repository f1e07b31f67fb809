"""Which bytes of a download are believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.client.steps import ApiResponse
from packmule.client.versions import (
    AcceptBody,
    Held,
    RejectBody,
    Version,
    Wanted,
    headers,
    judge_response,
    resumable,
    sends_parts,
)

TAGGED = Version(100, '"a"')
REST = Wanted(40, TAGGED)
RANGE = "bytes 40-99/100"


def head(status: int, **named: str) -> ApiResponse:
    return ApiResponse(status, {name.replace("_", "-"): each for name, each in named.items()})


def test_the_rest_is_asked_for_under_the_tag_of_what_is_there() -> None:
    assert headers(REST) == {
        "Accept-Encoding": "identity", "Range": "bytes=40-", "If-Range": '"a"',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (Wanted(40, TAGGED, 60), "bytes=40-59"),
        (Wanted(0, TAGGED, 1), "bytes=0-0"),
        (Wanted(99, TAGGED, 100), "bytes=99-"),
    ],
)
def test_a_part_is_asked_for_by_its_first_and_last_byte(wanted: Wanted, asked: str) -> None:
    assert headers(wanted)["Range"] == asked


@pytest.mark.parametrize(
    "wanted",
    [Wanted(), Wanted(0, TAGGED), Wanted(0, TAGGED, 100), Wanted(40, Version(100, None), 60)],
)
def test_where_nothing_can_be_gone_on_with_all_is_asked_for(wanted: Wanted) -> None:
    assert "Range" not in headers(wanted)


@pytest.mark.parametrize(
    ("held", "resumed"),
    [
        (Held(((0, 40),), TAGGED), Held(((0, 40),), TAGGED)),
        (Held(((50, 60), (0, 10), (10, 20)), TAGGED), Held(((0, 20), (50, 60)), TAGGED)),
        (Held(((0, 101),), TAGGED), Held()),
        (Held(((-1, 40),), TAGGED), Held()),
        (Held(((0, 60), (60, 100)), TAGGED), Held(((0, 99),), TAGGED)),
        (Held(((0, 1),), Version(1, '"a"')), Held()),
        (Held((), TAGGED), Held()),
        (Held(((0, 40),)), Held()),
        (Held(((0, 40),), Version(100, None)), Held()),
        (Held(((0, 40),), Version(100, 'W/"a"')), Held()),
        (Held(((0, 40),), Version(100, '"\xe9"')), Held()),
    ],
)
def test_a_part_is_continued_from_its_end_and_never_taken_as_whole(
    held: Held, resumed: Held
) -> None:
    assert resumable(held) == resumed


GOOD_PART = {"content_range": RANGE, "etag": '"a"', "content_length": "60"}


def test_the_part_that_was_asked_for_is_taken() -> None:
    assert judge_response(REST, head(206, **GOOD_PART), None) == AcceptBody(40, TAGGED)
    assert judge_response(REST, head(206, **GOOD_PART), 100) == AcceptBody(40, TAGGED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"content_range": ""}, {"content_range": "bytes 0-99/100"},
        {"content_range": "bytes 41-99/100"}, {"content_range": "bytes 40-98/100"},
        {"content_range": "bytes 40-100/101"}, {"content_range": "bytes 40-99/*"},
        {"content_range": "items 40-99/100"}, {"etag": '"b"'}, {"etag": ""}, {"etag": 'W/"a"'},
        {"content_length": "59"}, {"content_encoding": "gzip"}, {"content_type": "text/html"},
    ],
)  # fmt: skip
def test_another_part_is_left(wrong: dict[str, str]) -> None:
    assert isinstance(judge_response(REST, head(206, **{**GOOD_PART, **wrong}), None), RejectBody)


def test_a_part_that_was_not_asked_for_is_left() -> None:
    assert isinstance(judge_response(Wanted(), head(206, **GOOD_PART), None), RejectBody)


@pytest.mark.parametrize(
    ("etag", "strong"), [('"b"', '"b"'), ('W/"b"', None), ("", None), ("b", None), ('"b', None)]
)
def test_the_whole_begins_anew_under_its_own_tag(etag: str, strong: str | None) -> None:
    found = judge_response(REST, head(200, content_length="120", etag=etag), None)
    assert found == AcceptBody(0, Version(120, strong), whole=True)


def test_the_whole_needs_its_length_from_somewhere() -> None:
    assert isinstance(judge_response(Wanted(), head(200), None), RejectBody)
    assert judge_response(Wanted(), head(200), 7) == AcceptBody(0, Version(7, None), whole=True)
    assert isinstance(judge_response(Wanted(), head(200, content_length="8"), 7), RejectBody)
    assert isinstance(judge_response(Wanted(), head(200, content_length="0"), None), RejectBody)


def test_a_part_in_the_middle_is_taken_only_as_it_was_asked_for() -> None:
    middle = Wanted(40, TAGGED, 60)
    good = {"content_range": "bytes 40-59/100", "etag": '"a"', "content_length": "20"}
    assert judge_response(middle, head(206, **good), None) == AcceptBody(40, TAGGED)
    for wrong in ({"content_range": RANGE}, {"content_length": "60"}, {"etag": '"b"'}):
        assert isinstance(judge_response(middle, head(206, **{**good, **wrong}), None), RejectBody)


@pytest.mark.parametrize(
    ("accepted", "ranges", "sends"),
    [
        (AcceptBody(0, TAGGED, whole=True), "bytes", True),
        (AcceptBody(0, TAGGED, whole=True), "none", False),
        (AcceptBody(0, TAGGED, whole=True), "", False),
        (AcceptBody(0, Version(100, None), whole=True), "bytes", False),
        (AcceptBody(40, TAGGED), "", True),
    ],
)
def test_parts_are_asked_for_only_where_they_are_surely_sent(
    accepted: AcceptBody, ranges: str, *, sends: bool
) -> None:
    assert sends_parts(accepted, head(200, accept_ranges=ranges)) is sends


def test_a_page_in_place_of_the_archive_is_left() -> None:
    page = head(200, content_length="100", content_type="text/html; charset=utf-8")
    assert isinstance(judge_response(REST, page, None), RejectBody)


NAMES = ["etag", "content-range", "content-length", "content-encoding", "content-type"]
TEXTS = st.sampled_from(['"a"', '"b"', RANGE, "bytes 0-9/10", "60", "100", "x", ""])


@given(
    st.builds(Wanted, st.integers(0, 120), st.sampled_from([None, TAGGED, Version(100, None)])),
    st.sampled_from([200, 206]),
    st.dictionaries(st.sampled_from(NAMES), TEXTS | st.text()),
    st.sampled_from([None, 100, 60]),
)
def test_bytes_are_appended_only_to_their_own_version(
    wanted: Wanted, status: int, named: dict[str, str], expected: int | None
) -> None:
    match judge_response(wanted, ApiResponse(status, named), expected):
        case AcceptBody(at, version, whole=False):
            assert (at, version) == (wanted.start, wanted.version)
            assert version.etag == named["etag"]
        case AcceptBody(_, version):
            assert status == 200
            assert expected in {None, version.size}
        case RejectBody(reason):
            assert reason
