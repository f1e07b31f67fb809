"""Which language a browser gets, and how each writes numbers, sizes and times."""

from __future__ import annotations

import pytest

from packmule.web.language import LANGUAGES, choose

EN, DE = LANGUAGES["en"], LANGUAGES["de"]


@pytest.mark.parametrize(
    ("accept_language", "tag"),
    [
        ("", "en"),
        ("*", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("DE", "de"),
        ("fr-FR, fr;q=0.9, de;q=0.5", "de"),
        ("en-GB;q=0.8, de;q=0.9", "de"),
        ("de;q=0, en", "en"),
        ("de;q=x", "en"),
        ("fr", "en"),
        ("-,;,,=", "en"),
        ("fr," * 100_000 + "de", "en"),
    ],
)
def test_the_language_wanted_most_is_chosen(accept_language: str, tag: str) -> None:
    assert choose(accept_language).tag == tag


def test_a_count_chooses_the_form_of_a_string() -> None:
    assert [EN("count.files", count=n) for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert DE("count.files", count=10_000) == "10.000 Dateien"


def test_values_are_put_in_as_they_are() -> None:
    assert EN("recipient.expired", name="{count}%s") == "{count}%s has been removed"


def test_an_unknown_string_is_an_error() -> None:
    with pytest.raises(KeyError):
        EN("nothing.at-all")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (999_949_999, "999.9 MB"),
        (1_500_000_000, "1.5 GB"),
        (2_000_000_000_000, "2.0 TB"),
        (2_000_000_000_000_000, "2000.0 TB"),
    ],
)
def test_sizes_are_in_powers_of_a_thousand(count: int, text: str) -> None:
    assert EN.size(count) == text


def test_numbers_and_times_are_written_as_the_language_does() -> None:
    assert (EN.number(1_234_567), DE.number(1_234_567)) == ("1,234,567", "1.234.567")
    assert DE.size(1_500_000) == "1,5 MB"
    assert EN.moment("2026-12-01T09:05:00+00:00") == "1 December 2026, 09:05 UTC"
    assert DE.moment("2026-03-01T09:05:00+00:00") == "1. März 2026, 09:05 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (60, "1 min"),
        (3600, "1 hour"),
        (86_400, "24 hours"),
        (172_800, "2 days"),
        (604_800, "7 days"),
    ],
)
def test_how_long_archives_are_kept_is_said_in_hours_or_days(seconds: int, text: str) -> None:
    assert EN.duration(seconds) == text
