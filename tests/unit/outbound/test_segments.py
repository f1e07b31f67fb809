"""Where a file is cut, when that pays, and which answer is a segment's."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from packmule.outbound.head import Head
from packmule.outbound.segments import (
    LEAST,
    MOST,
    Refusal,
    Remainder,
    cuts,
    judge_segment,
    may_split,
    pays_to_split,
    rate_of,
    segment_fields,
    take_over,
)
from packmule.outbound.transfer import TransferState

MIB = 1024 * 1024
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"
LATER = "Sun, 01 Mar 2026 13:00:00 GMT"
STATE = TransferState(total=100, etag='"v1"', last_modified=DATE)

remainders = st.builds(
    lambda at, length, rate: Remainder(at, at + length, rate),
    st.integers(0, 10**12),
    st.integers(0, 10**11),
    st.none() | st.floats(0, 1e9),
)


@given(remainders, st.integers(0, 200))
def test_cuts_lie_within_and_every_segment_is_worth_a_connection(
    remainder: Remainder, more: int
) -> None:
    found = cuts(remainder, more)
    edges = [remainder.at, *found, remainder.stop]
    assert len(found) <= min(more, MOST - 1)
    lengths = [after - before for before, after in pairwise(edges)]
    assert sum(lengths) == remainder.missing
    if found:
        assert min(lengths) >= LEAST
        assert max(lengths) - min(lengths) <= 1


def test_a_file_is_cut_in_as_many_as_there_is_room_for() -> None:
    assert cuts(Remainder(0, 64 * MIB, None), 3) == (16 * MIB, 32 * MIB, 48 * MIB)
    assert cuts(Remainder(1 * MIB, 9 * MIB, None), 7) == (5 * MIB,)
    assert cuts(Remainder(0, 8 * MIB - 1, None), 7) == ()
    assert cuts(Remainder(0, 64 * MIB, None), 0) == ()


@given(st.lists(remainders, max_size=20), st.floats(0, 10))
def test_half_of_a_remainder_is_taken_over_and_never_what_is_about_to_come(
    found: list[Remainder], waited: float
) -> None:
    cut = take_over(found, waited)
    if cut is None:
        return
    of = [each for each in found if each.at < cut < each.stop]
    assert any(each.stop - cut == each.missing // 2 >= 512 * 1024 for each in of)


@pytest.mark.parametrize(
    ("found", "waited", "cut"),
    [
        ([], 0.03, None),
        # Not watched yet.
        ([Remainder(0, 64 * MIB, None)], 0.03, None),
        # It would be there before a new connection is fast.
        ([Remainder(0, 4 * MIB, 10 * MIB)], 0.03, None),
        ([Remainder(0, 16 * MIB, 10 * MIB)], 0.03, 8 * MIB),
        # A slow one is worth it although little is missing.
        ([Remainder(0, 2 * MIB, 100_000)], 0.03, 1 * MIB),
        ([Remainder(0, 1 * MIB - 2, 100.0)], 0.03, None),
        # One that stands still is never the wrong one.
        ([Remainder(0, 2 * MIB, 0.0), Remainder(10 * MIB, 14 * MIB, 2e6)], 0.03, 12 * MIB),
        # As fast as a link can be.
        ([Remainder(0, 1024 * MIB, 3e8)], 0.0, None),
    ],
)
def test_a_transfer_takes_over_where_that_saves_time(
    found: list[Remainder], waited: float, cut: int | None
) -> None:
    assert take_over(found, waited) == cut


@pytest.mark.parametrize(
    ("remainder", "waited", "pays"),
    [
        (Remainder(0, 8 * MIB, None), 0.03, True),
        (Remainder(0, 8 * MIB - 1, None), 0.03, False),
        (Remainder(0, 256 * MIB, None), 0.001, False),
        (Remainder(0, 256 * MIB, 50 * MIB), 0.001, True),
        (Remainder(0, 256 * MIB, 1000 * MIB), 0.001, False),
        (Remainder(0, 256 * MIB, 1000 * MIB), 0.03, False),
        (Remainder(0, 32 * MIB, 100 * MIB), 0.001, False),
        (Remainder(0, 4 * MIB, 6 * MIB), 0.03, True),
        (Remainder(0, 4 * MIB, 7 * MIB), 0.03, False),
        (Remainder(0, 2 * MIB, 100_000), 0.03, True),
        (Remainder(0, 2 * MIB - 1, 100_000), 0.03, False),
    ],
)
def test_a_file_is_divided_where_a_connection_does_not_fill_the_link(
    remainder: Remainder, waited: float, *, pays: bool
) -> None:
    assert pays_to_split(remainder, waited) is pays


def test_a_rate_is_known_after_a_moment() -> None:
    assert rate_of(1000, 0.1) is None
    assert rate_of(1000, 0.5) == 2000


def head(status: int = 206, **fields: str) -> Head:
    named = {"etag": '"v1"', "content-range": "bytes 10-19/100"}
    named |= {name.replace("_", "-"): value for name, value in fields.items()}
    length = named.pop("content-length", None)
    return Head(status, named, None if length is None else int(length))


def refusal(answer: Head, state: TransferState = STATE) -> Refusal | None:
    found = judge_segment(state, 10, 20, answer, now=0.0)
    return None if found is None else found.refusal


BY_DATE = STATE._replace(etag=None)
WEAK = STATE._replace(etag='W/"v1"')


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (head(), STATE),
        (head(content_length="10"), STATE),
        (head(content_range="bytes 10-14/100", content_length="5"), STATE),
        (head(etag="", last_modified=DATE), BY_DATE),
        (head(etag='W/"v1"', last_modified=DATE), WEAK),
    ],
)
def test_a_part_of_the_same_version_from_the_right_byte_on_is_taken(
    answer: Head, state: TransferState
) -> None:
    fields = {name: value for name, value in answer.fields.items() if value}
    assert refusal(answer._replace(fields=fields), state) is None


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (head(200), STATE),
        (head(200, content_range="bytes 10-19/100"), STATE),
        (head(204), STATE),
        (head(304), STATE),
        (head(412), STATE),
        (head(416, content_range="bytes */100"), STATE),
        (head(etag='"v2"'), STATE),
        (head(etag='W/"v1"'), STATE),
        (head(content_range="bytes 9-19/100"), STATE),
        (head(content_range="bytes 11-19/100"), STATE),
        (head(content_range="bytes 10-20/100"), STATE),
        (head(content_range="bytes 10-19/101"), STATE),
        (head(content_range="bytes 10-19/*"), STATE),
        (head(content_range="bytes 10-9/100"), STATE),
        (head(content_range="10-19/100"), STATE),
        (head(content_length="11"), STATE),
        (head(content_encoding="gzip"), STATE),
        (head(last_modified=LATER), BY_DATE),
        (head(etag='W/"v2"', last_modified=DATE), WEAK),
    ],
)
def test_all_that_may_be_other_bytes_is_a_misfit(answer: Head, state: TransferState) -> None:
    assert refusal(answer, state) is Refusal.MISFIT


@pytest.mark.parametrize("status", [429, 503, 500, 408, 202])
def test_what_a_host_may_do_later_or_for_fewer_is_told_apart(status: int) -> None:
    found = judge_segment(STATE, 10, 20, head(status, retry_after="7"), now=0.0)
    assert found is not None
    assert found.refusal is Refusal.CROWDED
    assert found.wait == 7 or status in {408, 500}


@pytest.mark.parametrize("status", [401, 403, 404, 410, 302])
def test_what_a_url_gives_only_once_is_no_reason_not_to_divide_others(status: int) -> None:
    assert refusal(head(status)) is Refusal.REFUSED


def test_a_segment_is_asked_for_exactly() -> None:
    assert segment_fields(STATE, 10, 20) == (b"Range: bytes=10-19", b'If-Range: "v1"')
    assert segment_fields(BY_DATE, 0, 1)[1] == f"If-Range: {DATE}".encode()


@pytest.mark.parametrize(
    ("state", "answer", "may"),
    [
        (STATE, head(200, accept_ranges="bytes"), True),
        (STATE, head(200, accept_ranges="Bytes"), True),
        (STATE, head(206), True),
        (STATE, head(200), False),
        (STATE, head(200, accept_ranges="none"), False),
        (STATE, head(200, accept_ranges="bytes", content_encoding="gzip"), False),
        (STATE._replace(total=None), head(), False),
        (STATE._replace(etag='W/"x"', last_modified=None), head(), False),
        (STATE._replace(distrust_ranges=True), head(), False),
        (STATE._replace(overlaps=True), head(), False),
        (STATE._replace(part_end=50), head(), False),
        (STATE._replace(part_end=100), head(), True),
    ],
)
def test_only_what_is_surely_one_version_in_known_bytes_is_divided(
    state: TransferState, answer: Head, *, may: bool
) -> None:
    assert may_split(state, answer) is may


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(2 * LEAST, 10**9))
def test_however_a_file_is_shared_its_segments_cover_it(choices: list[int], size: int) -> None:
    """Every byte belongs to one segment, whoever took over from whom."""
    assume(choices)
    edges = [0, *cuts(Remainder(0, size, None), choices[0]), size]
    done = [0] * (len(edges) - 1)
    for choice in choices:
        parts = list(pairwise(edges))
        at = choice % len(parts)
        done[at] += (parts[at][1] - parts[at][0] - done[at]) // 2
        found = [
            Remainder(start + had, stop, 1e6)
            for (start, stop), had in zip(parts, done, strict=True)
        ]
        cut = take_over(found, 0.03)
        if cut is None:
            continue
        index = next(n for n, (start, stop) in enumerate(parts) if start < cut < stop)
        assert cut > found[index].at
        edges.insert(index + 1, cut)
        done.insert(index + 1, 0)
    assert edges == sorted(set(edges))
    assert sum(after - before for before, after in pairwise(edges)) == size
