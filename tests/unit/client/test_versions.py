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
    headers,
    judge_response,
    resumable,
)

TAGGED = Version(100, '"a"')
HELD = Held(40, TAGGED)
RANGE = "bytes 40-99/100"


def head(status: int, **named: str) -> ApiResponse:
    return ApiResponse(status, {name.replace("_", "-"): each for name, each in named.items()})


def test_the_rest_is_asked_for_under_the_tag_of_what_is_there() -> None:
    assert headers(HELD) == {
        "Accept-Encoding": "identity", "Range": "bytes=40-", "If-Range": '"a"',
    }  # fmt: skip


@pytest.mark.parametrize("held", [Held(), Held(0, TAGGED), Held(40, Version(100, None)), Held(40)])
def test_where_nothing_can_be_gone_on_with_all_is_asked_for(held: Held) -> None:
    assert "Range" not in headers(held)
    assert resumable(held) == Held()


@pytest.mark.parametrize(
    ("held", "resumed"),
    [
        (HELD, HELD),
        (Held(101, TAGGED), Held()),
        (Held(100, TAGGED), Held(99, TAGGED)),
        (Held(1, Version(1, '"a"')), Held()),
        (Held(40, Version(100, 'W/"a"')), Held()),
        (Held(40, Version(100, '"\xe9"')), Held()),
    ],
)
def test_a_part_is_continued_from_its_end_and_never_taken_as_whole(
    held: Held, resumed: Held
) -> None:
    assert resumable(held) == resumed


GOOD_PART = {"content_range": RANGE, "etag": '"a"', "content_length": "60"}


def test_the_part_that_was_asked_for_is_taken() -> None:
    assert judge_response(HELD, head(206, **GOOD_PART), None) == AcceptBody(40, TAGGED)
    assert judge_response(HELD, head(206, **GOOD_PART), 100) == AcceptBody(40, TAGGED)


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
    assert isinstance(judge_response(HELD, head(206, **{**GOOD_PART, **wrong}), None), RejectBody)


def test_a_part_that_was_not_asked_for_is_left() -> None:
    assert isinstance(judge_response(Held(), head(206, **GOOD_PART), None), RejectBody)


@pytest.mark.parametrize(
    ("etag", "strong"), [('"b"', '"b"'), ('W/"b"', None), ("", None), ("b", None), ('"b', None)]
)
def test_the_whole_begins_anew_under_its_own_tag(etag: str, strong: str | None) -> None:
    found = judge_response(HELD, head(200, content_length="120", etag=etag), None)
    assert found == AcceptBody(0, Version(120, strong))


def test_the_whole_needs_its_length_from_somewhere() -> None:
    assert isinstance(judge_response(Held(), head(200), None), RejectBody)
    assert judge_response(Held(), head(200), 7) == AcceptBody(0, Version(7, None))
    assert isinstance(judge_response(Held(), head(200, content_length="8"), 7), RejectBody)


def test_a_page_in_place_of_the_archive_is_left() -> None:
    page = head(200, content_length="100", content_type="text/html; charset=utf-8")
    assert isinstance(judge_response(HELD, page, None), RejectBody)


NAMES = ["etag", "content-range", "content-length", "content-encoding", "content-type"]
TEXTS = st.sampled_from(['"a"', '"b"', RANGE, "bytes 0-9/10", "60", "100", "x", ""])


@given(
    st.builds(Held, st.integers(0, 120), st.sampled_from([None, TAGGED, Version(100, None)])),
    st.sampled_from([200, 206]),
    st.dictionaries(st.sampled_from(NAMES), TEXTS | st.text()),
    st.sampled_from([None, 100, 60]),
)
def test_bytes_are_appended_only_to_their_own_version(
    held: Held, status: int, named: dict[str, str], expected: int | None
) -> None:
    match judge_response(held, ApiResponse(status, named), expected):
        case AcceptBody(at, version) if at > 0:
            assert (at, version) == (held.offset, held.version)
            assert version.etag == named["etag"]
        case AcceptBody(_, version):
            assert status == 200
            assert expected in {None, version.size}
        case RejectBody(reason):
            assert reason
