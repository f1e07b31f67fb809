"""Moments as ZIP writes them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.zipformat.times import (
    DOS_EPOCH,
    DOS_FIRST_SECOND,
    DOS_LAST_SECOND,
    dos_time,
    fits_unix_field,
    posix_second,
)


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]


def test_the_word_holds_year_month_day_hour_minute_and_half_the_second() -> None:
    assert dos_time(at(2024, 5, 17, 13, 47, 58)) == (
        44 << 25 | 5 << 21 | 17 << 16 | 13 << 11 | 47 << 5 | 29
    )


@given(st.integers(DOS_FIRST_SECOND, DOS_LAST_SECOND))
def test_a_second_within_range_reads_back_rounded_down_to_even(second: int) -> None:
    assert posix_second(dos_time(second)) == second - second % 2


@pytest.mark.parametrize("second", [-(2**60), -1, 0, DOS_FIRST_SECOND - 1, DOS_FIRST_SECOND])
def test_what_lies_before_1980_is_its_first_second(second: int) -> None:
    assert dos_time(second) == DOS_EPOCH
    assert posix_second(DOS_EPOCH) == at(1980, 1, 1)


@pytest.mark.parametrize("second", [DOS_LAST_SECOND, DOS_LAST_SECOND + 1, 2**60])
def test_what_lies_after_2107_is_its_last_even_second(second: int) -> None:
    assert posix_second(dos_time(second)) == at(2107, 12, 31, 23, 59, 58)


def test_no_time_is_1980() -> None:
    assert dos_time(None) == DOS_EPOCH


@pytest.mark.parametrize("word", [0, 13 << 21 | 1 << 16, 2 << 21 | 30 << 16, DOS_EPOCH | 24 << 11])
def test_a_word_that_names_no_moment_reads_as_none(word: int) -> None:
    assert posix_second(word) is None


@pytest.mark.parametrize(
    ("second", "fits"),
    [(None, False), (-1, False), (0, True), (2**31 - 1, True), (2**31, False), (2**32, False)],
)
def test_the_unix_field_takes_what_signed_and_unsigned_readers_agree_on(
    second: int | None,
    fits: bool,  # noqa: FBT001  # a table's column
) -> None:
    assert fits_unix_field(second) is fits
