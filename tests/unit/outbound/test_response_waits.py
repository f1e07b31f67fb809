"""When a request that stays silent is sent again: rarely, and only where nobody counts."""

from __future__ import annotations

import pytest

from packmule.outbound.host_limits import counts_downloads
from packmule.outbound.response_waits import ResponseWaits, says_it_counts


def known(*waits: float) -> ResponseWaits:
    """Give a host whose responses took so long to begin, five times over."""
    seen = ResponseWaits()
    for wait in waits * 5:
        seen.note(wait)
    return seen


QUICK = known(0.1, 0.2, 0.1, 0.2)


def test_silence_is_long_after_two_seconds() -> None:
    assert [QUICK.may_repeat(seconds) for seconds in (0.5, 1.9, 2.0, 60.0)] == [
        False, False, True, True,
    ]  # fmt: skip


def test_silence_is_long_when_nearly_all_responses_began_sooner() -> None:
    slow = known(3.0, 4.0, 5.0, 6.0)
    assert not slow.may_repeat(6.0)
    assert slow.may_repeat(6.1)


def test_the_slowest_in_twenty_says_nothing_of_what_is_usual() -> None:
    seen = known(*[0.1] * 19, 50.0)
    assert seen.may_repeat(2.0) is False  # five of a hundred are not less than one in twenty
    seen = known(*[0.1] * 19)
    seen.note(50.0)
    assert seen.may_repeat(2.0)


def test_nothing_is_repeated_before_it_is_known_what_is_usual() -> None:
    seen = ResponseWaits()
    for _ in range(19):
        seen.note(0.1)
    assert not seen.may_repeat(60.0)
    seen.note(0.1)
    assert seen.may_repeat(60.0)


def test_one_request_in_twenty_at_most_is_repeated() -> None:
    seen, repeats = ResponseWaits(), 0
    for responses in range(1, 400):
        seen.note(0.1)
        if seen.may_repeat(5.0):
            seen.repeated()
            repeats += 1
        assert repeats * 20 <= responses
    assert repeats == 19
    assert repr(seen) == "<ResponseWaits 399, repeated=19>"


def test_what_is_usual_is_what_was_usual_lately() -> None:
    seen = known(*[0.1] * 20)
    for _ in range(100):
        seen.note(10.0)
    assert not seen.may_repeat(9.0)


def test_the_quickest_response_tells_how_far_a_host_is() -> None:
    assert known(0.2, 0.1, 0.4).quickest == 0.1
    assert ResponseWaits().quickest == 0.0


def test_a_host_that_counts_is_asked_once_only() -> None:
    seen = known(0.1, 0.2, 0.1, 0.2)
    seen.counts_downloads = True
    assert not seen.may_repeat(60.0)
    assert repr(seen) == "<ResponseWaits 20, repeated=0 counts downloads>"


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"etag": '"a"'}, False),
        ({"x-ratelimit-limit": "60"}, True),
        ({"ratelimit": '"default";r=50;t=30'}, True),
        ({"retry-after": "1"}, False),
    ],
)
def test_a_response_may_say_that_its_host_counts(fields: dict[str, str], *, counts: bool) -> None:
    assert says_it_counts(fields) is counts


@pytest.mark.parametrize(
    ("host", "counts"),
    [
        ("example.org", False),
        ("drive.google.com", True),
        ("dl.dropboxusercontent.com", True),
        ("www.dropbox.com", True),
        ("notdropbox.com", False),
        ("google.com", False),
        ("export.arxiv.org", True),  # it documents a limit
    ],
)
def test_some_hosts_are_known_to_count(host: str, *, counts: bool) -> None:
    assert counts_downloads(host) is counts
