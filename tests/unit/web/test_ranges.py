"""Which part of a file a request's conditions and ranges select."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.web.ranges import (
    NotModified,
    NotSatisfiable,
    PreconditionFailed,
    Ranges,
    Representation,
    Selection,
    Whole,
    http_date,
    select,
)

NOW = 1_767_600_000
FILE = Representation(size=1000, etag='"v1"', modified_at=NOW)
SAME, BEFORE, AFTER = (formatdate(NOW + by, usegmt=True) for by in (0, -1, 1))


DATE_PARTS = [
    *("Sun,", "06", "Nov", "1994", "9999", "0001", "99999999999", "9" * 5000, "08:49:37"),
    *(
        "99:99:99",
        "GMT",
        "+0000",
        "-2359",
        "+9999",
        "+99999999999999",
        "-",
        ",",
        "Monday,",
        "05-Jan-26",
    ),
]


def get(**headers: str) -> Selection:
    return select("GET", {name.replace("_", "-"): value for name, value in headers.items()}, FILE)


def ranges(field: str) -> list[tuple[int, int]]:
    found = get(range=field)
    assert isinstance(found, Ranges), found
    return [(part.start, part.stop) for part in found.ranges]


def test_without_conditions_and_ranges_it_is_the_whole() -> None:
    assert get() == Whole()


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-999", [(0, 1000)]),
        ("bytes=0-1000", [(0, 1000)]),
        ("bytes=999-", [(999, 1000)]),
        ("bytes=-1", [(999, 1000)]),
        ("bytes=-1000", [(0, 1000)]),
        ("bytes=-1001", [(0, 1000)]),
        ("bytes=0-0,-1", [(0, 1), (999, 1000)]),
        ("bytes=500-599,0-99", [(0, 100), (500, 600)]),
        ("bytes=0-99,1000-", [(0, 100)]),
        ("bytes=0-99,50-149", [(0, 150)]),
        ("bytes=0-99,100-199", [(0, 200)]),
        ("bytes=0-9,90-99", [(0, 100)]),
        ("bytes=0-9,91-99", [(0, 10), (91, 100)]),
        ("bytes=0-999,5-6", [(0, 1000)]),
        ("bytes=0-9,200-399,210-219", [(0, 10), (200, 400)]),
        ("bytes=0-9,200-209,290-299", [(0, 10), (200, 300)]),
        ("bytes= 0-1 ,\t4-5", [(0, 6)]),
        ("bytes=,0-1,,", [(0, 2)]),
        ("Bytes=1-2", [(1, 3)]),
        ("bytes=0-999999999999999999", [(0, 1000)]),
    ],
)
def test_ranges_are_cut_to_the_file_ordered_and_joined(
    field: str, expected: list[tuple[int, int]]
) -> None:
    assert ranges(field) == expected


@pytest.mark.parametrize("field", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=-0,1000-"])
def test_no_range_within_the_file_is_not_satisfiable(field: str) -> None:
    assert get(range=field) == NotSatisfiable()


@pytest.mark.parametrize(
    "field",
    [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=5", "bytes=5-4", "bytes=0-1,5-4",
        "bytes=0-1,x", "bytes=+0-1", "bytes=0 -1", "bytes=--1", "bytes=0-1;2-3", "lines=0-1",
        "bytes=" + "9" * 19 + "-", "bytes=\u0661-\u0662",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(33)),
    ],
)  # fmt: skip
def test_what_is_no_range_is_ignored(field: str) -> None:
    assert get(range=field) == Whole()


def test_as_many_ranges_as_are_allowed_are_served() -> None:
    field = ",".join(f"{n}-{n}" for n in range(32))
    assert ranges(f"bytes={field}") == [(0, 32)]


def test_only_get_has_ranges() -> None:
    assert select("HEAD", {"range": "bytes=0-1"}, FILE) == Whole()


def test_an_empty_file_has_no_range() -> None:
    empty = Representation(0, '"v1"', NOW)
    assert select("GET", {"range": "bytes=0-"}, empty) == NotSatisfiable()
    assert select("GET", {"range": "bytes=-5"}, empty) == NotSatisfiable()


@given(
    st.lists(
        st.tuples(st.integers(0, 1200), st.none() | st.integers(0, 1200)), min_size=1, max_size=8
    )
)
def test_ranges_never_overlap_leave_the_file_or_lose_a_byte(
    asked: list[tuple[int, int | None]],
) -> None:
    asked = [(first, last) for first, last in asked if last is None or last >= first]
    field = ",".join(f"{first}-{'' if last is None else last}" for first, last in asked)
    wanted = {
        byte
        for first, last in asked
        for byte in range(first, 1000 if last is None else min(last + 1, 1000))
    }
    found = get(range=f"bytes={field}")
    if not asked:
        assert found == Whole()
    elif not wanted:
        assert found == NotSatisfiable()
    else:
        assert isinstance(found, Ranges)
        sent = [byte for part in found.ranges for byte in part]
        assert sent == sorted(set(sent))
        assert wanted <= set(sent) <= set(range(1000))


@pytest.mark.parametrize(
    ("tags", "weak_too"),
    [
        ('"v1"', False),
        ('"v0", "v1"', False),
        ('"v0","v1","v2"', False),
        ("*", False),
        (" * ", False),
        ('W/"v1"', True),
        ('"v0", W/"v1"', True),
    ],
)
def test_entity_tags_are_compared_strongly_or_weakly_as_the_field_wants(
    tags: str, *, weak_too: bool
) -> None:
    assert get(if_none_match=tags) == NotModified()
    assert get(if_match=tags) == (PreconditionFailed() if weak_too else Whole())


@pytest.mark.parametrize("tags", ['"v2"', "v1", "", '"v1', '"a,b"', 'w/"v2"'])
def test_another_tag_does_not_match(tags: str) -> None:
    assert get(if_none_match=tags) == Whole()
    assert get(if_match=tags) == PreconditionFailed()


def test_dates_are_compared_by_the_second() -> None:
    assert [get(if_modified_since=date) for date in (BEFORE, SAME, AFTER)] == [
        Whole(), NotModified(), NotModified(),
    ]  # fmt: skip
    assert [get(if_unmodified_since=date) for date in (BEFORE, SAME, AFTER)] == [
        PreconditionFailed(), Whole(), Whole(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "date",
    [
        *("", "nonsense", "2026-01-05", "Mon, 99 Jan 2026 00:00:00 GMT"),
        "Sun, 06 Nov 9999999999 08:49:37 GMT",
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +99999999999999",
    ],
)
def test_a_date_that_is_none_is_ignored(date: str) -> None:
    assert get(if_modified_since=date) == get(if_unmodified_since=date) == Whole()
    assert get(if_range=date, range="bytes=0-1") == Whole()


@pytest.mark.parametrize(
    "date", ["Monday, 05-Jan-26 08:00:00 GMT", "Mon Jan  5 08:00:00 2026"], ids=["850", "asctime"]
)
def test_the_two_old_forms_of_a_date_are_read(date: str) -> None:
    assert get(if_modified_since=date) == NotModified()
    assert get(if_unmodified_since=date) == Whole()


@pytest.mark.usefixtures("tokyo")
def test_a_date_without_a_zone_is_utc_wherever_the_machine_is() -> None:
    for date in ("Mon Jan  5 08:00:00 2026", "Mon, 05 Jan 2026 08:00:00"):
        assert get(if_modified_since=date) == NotModified()
        assert get(if_unmodified_since=date) == Whole()
        assert isinstance(get(if_range=date, range="bytes=0-1"), Ranges)


@given(st.text() | st.lists(st.sampled_from(DATE_PARTS)).map(" ".join))
def test_no_text_in_a_date_is_a_fault_of_ours(text: str) -> None:
    get(if_modified_since=text, if_unmodified_since=text, if_range=text, range="bytes=0-1")


def test_a_tag_goes_before_a_date() -> None:
    assert get(if_match='"v1"', if_unmodified_since=BEFORE) == Whole()
    assert get(if_none_match='"v2"', if_modified_since=AFTER) == Whole()


def test_a_failed_precondition_goes_before_everything() -> None:
    assert get(if_match='"v2"', if_none_match='"v1"', range="bytes=0-1") == PreconditionFailed()


def test_not_modified_goes_before_a_range() -> None:
    assert get(if_none_match='"v1"', range="bytes=0-1") == NotModified()


def test_if_range_lets_the_range_hold_only_for_the_very_same_file() -> None:
    for same in ('"v1"', SAME):
        assert isinstance(get(if_range=same, range="bytes=0-1"), Ranges)
    for other in ('"v2"', 'W/"v1"', BEFORE, AFTER):
        assert get(if_range=other, range="bytes=0-1") == Whole()


def test_if_range_alone_changes_nothing() -> None:
    assert get(if_range='"v2"') == Whole()


def test_http_dates_are_written_in_the_one_form_to_be_sent() -> None:
    assert http_date(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT"  # RFC 9110 5.6.7
