"""When a host wants to be asked again: every status, and every field that names a time.

The law: RFC 9110 10.2.3 and 15, RFC 6585 4, draft-ietf-httpapi-ratelimit-headers, and the documents
of GitHub, Twitter, Discord and Shopify.
"""

from __future__ import annotations

import pytest

from packmule.outbound.head import Head, http_date
from packmule.outbound.retry_hints import TryLater, asks_for_a_browser, retry_after, try_later

DATE = "Mon, 02 Mar 2026 10:00:00 GMT"
NOW = 1_772_445_600.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        ("Mon, 02 Mar 2026 10:00:30 GMT", 30.0),
        ("Monday, 02-Mar-26 10:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("\u0661", None),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert http_date(DATE) == NOW
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "status",
    [*(408, 421, 425, 500, 502, 503, 504, 507, 509), *range(520, 531), 529, 598, 599],
)
def test_a_status_that_may_pass_is_worth_another_try(status: int) -> None:
    assert try_later(Head(status, {}, 0), NOW) == TryLater()


@pytest.mark.parametrize("status", [429, 420, 430])
def test_too_many_requests_is_a_pause_of_the_host(status: int) -> None:
    assert try_later(Head(status, {}, 0), NOW) == TryLater(None, busy=True, free=True)


@pytest.mark.parametrize(
    "status",
    [
        202,
        204,
        302,
        304,
        *range(400, 408),
        410,
        416,
        418,
        451,
        460,
        499,
        501,
        505,
        506,
        508,
        510,
        511,
    ],
)
def test_a_status_that_will_not_pass_is_final(status: int) -> None:
    assert try_later(Head(status, {}, 0), NOW) is None


@pytest.mark.parametrize("status", [400, 403, 404, 409, 423, 451, 500, 501])
def test_retry_after_is_heard_with_every_error(status: int) -> None:
    assert try_later(Head(status, {"retry-after": "7"}, 0), NOW) == TryLater(7.0)


def test_a_file_that_is_being_made_is_waited_for() -> None:
    assert try_later(Head(202, {"retry-after": "7"}, 0), NOW) == TryLater(7.0, free=True)


@pytest.mark.parametrize("status", [200, 302])
def test_retry_after_means_nothing_with_a_file_or_a_redirect(status: int) -> None:
    assert try_later(Head(status, {"retry-after": "7"}, 0), NOW) is None


@pytest.mark.parametrize(
    ("fields", "wait"),
    [
        ({"ratelimit-reset": "30"}, 30.0),
        ({"ratelimit-reset": " 30 "}, 30.0),
        ({"x-ratelimit-reset": "30"}, 30.0),
        ({"x-ratelimit-reset": "0"}, 0.0),
        ({"x-ratelimit-reset-after": "1.5"}, 1.5),  # Discord
        ({"x-ratelimit-reset": f"{NOW + 30:.0f}"}, 31.0),  # GitHub; whole seconds round down
        ({"x-rate-limit-reset": f"{NOW + 30:.0f}"}, 31.0),  # Twitter
        ({"x-ratelimit-reset": f"{1000 * NOW + 30_000:.0f}"}, 31.0),
        ({"x-ratelimit-reset": "Mon, 02 Mar 2026 10:00:30 GMT"}, 31.0),
        ({"x-ratelimit-reset": f"{NOW - 30:.0f}"}, 1.0),
        ({"x-ratelimit-reset": f"{NOW:.0f}"}, 1.0),
        ({"x-ratelimit-reset": "999999999"}, 999_999_999.0),
        ({"x-ratelimit-reset": "1000000000"}, 1.0),
        ({"x-ratelimit-reset": "99999999999"}, 99_999_999_999.0 - NOW + 1),
        ({"x-ratelimit-reset": "100000000000"}, 1.0),
        ({"ratelimit": '"default";r=0;t=30'}, 30.0),
        ({"ratelimit": "limit=10, remaining=0, reset=30"}, 30.0),
        ({"ratelimit": '"default";r=0'}, None),
        ({"ratelimit": '"default";r=0;t=30', "ratelimit-reset": "40"}, 30.0),
        ({"ratelimit-reset": "soon", "x-ratelimit-reset": "40"}, 40.0),
        ({"ratelimit-reset": "-1"}, None),
        ({"ratelimit-reset": ""}, None),
        ({"retry-after": "7", "ratelimit-reset": "30"}, 7.0),
        ({"retry-after": "later", "ratelimit-reset": "30"}, 30.0),
        # By the origin's clock, which is an hour ahead of ours.
        (
            {
                "date": "Mon, 02 Mar 2026 11:00:00 GMT",
                "x-ratelimit-reset": f"{NOW + 3630:.0f}",
            },
            31.0,
        ),
        # The Date is a cache's, and a year old.
        (
            {
                "date": "Sun, 02 Mar 2025 10:00:00 GMT",
                "x-ratelimit-reset": f"{NOW + 30:.0f}",
            },
            31.0,
        ),
        # The same, and by our clock the time has just passed.
        (
            {
                "date": "Sun, 02 Mar 2025 10:00:00 GMT",
                "x-ratelimit-reset": f"{NOW - 1:.0f}",
            },
            1.0,
        ),
        # Our clock is an hour ahead.
        (
            {
                "date": "Mon, 02 Mar 2026 09:00:00 GMT",
                "x-ratelimit-reset": f"{NOW - 3570:.0f}",
            },
            31.0,
        ),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_end_of_a_rate_limits_window_is_heard(
    status: int, fields: dict[str, str], wait: float | None
) -> None:
    later = try_later(Head(status, fields, 0), NOW)
    assert later is not None
    assert later.wait == wait
    assert later.busy is (status == 429 or wait is not None)
    assert later.free is later.busy


@pytest.mark.parametrize(
    ("fields", "wait"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30.0),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "30"}, 30.0),
        ({"ratelimit": '"default";r=0;t=30'}, 30.0),
    ],
)
def test_a_403_with_nothing_left_is_a_rate_limit(fields: dict[str, str], wait: float) -> None:
    assert try_later(Head(403, fields, 0), NOW) == TryLater(wait, busy=True, free=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"x-ratelimit-remaining": "12", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "0"},
        {"x-ratelimit-reset": "30"},
        {"ratelimit": '"default";r=12;t=30'},
    ],
)
def test_a_403_with_something_left_is_a_refusal(fields: dict[str, str]) -> None:
    assert try_later(Head(403, fields, 0), NOW) is None


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_check_that_only_browsers_pass_is_final(status: int) -> None:
    head = Head(status, {"cf-mitigated": "Challenge", "retry-after": "7"}, 0)
    assert asks_for_a_browser(head)
    assert try_later(head, NOW) is None
    assert not asks_for_a_browser(Head(status, {"cf-mitigated": "block"}, 0))
