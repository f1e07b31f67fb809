"""A link that was valid for a while is told as expired, so that people know what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.expired_links import (
    expires_soon,
    expiring_first,
    expiry_of,
    explained,
    has_expired,
)
from packmule.outbound.urls import parse

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()
LINK = parse("https://bucket.example/a.jpg?X-Amz-Signature=abc")
S3 = b"""<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message>
<X-Amz-Expires>3600</X-Amz-Expires></Error>"""


def refused(status: int = 403) -> Failure:
    return Failure(FailureCode.HTTP_STATUS, f"the origin answered {status}", status, 1)


@pytest.mark.parametrize(
    ("status", "page"),
    [
        (403, S3),
        (
            400,
            b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message>",
        ),
        (400, b"<Error><Code>ExpiredRequest</Code></Error>"),
        (403, b"<Code>RequestExpired</Code>"),
        (401, b"<p>This link has expired</p>"),
        (410, b"URL is expired"),
        (403, b"Signature not valid in the specified time frame: Start [...]"),
        (403, b"the Link expired"),
    ],
)
def test_what_object_stores_say_is_understood(status: int, page: bytes) -> None:
    told = explained(refused(status), LINK, page, NOW)
    assert told.detail == (
        "the pre-signed link has expired: request a new one from its source "
        f"(the origin answered {status})"
    )
    assert (told.code, told.http_status, told.attempts) == (FailureCode.HTTP_STATUS, status, 1)


@pytest.mark.parametrize(
    "failure",
    [
        refused(404),
        refused(500),
        Failure(FailureCode.TRUNCATED, "the body was cut"),
        Failure(FailureCode.CHANGED, "it changed", 403),
    ],
)
def test_what_is_no_refusal_is_told_as_it_was(failure: Failure) -> None:
    assert explained(failure, LINK, S3, NOW) is failure


@pytest.mark.parametrize("page", [b"", b"<Code>AccessDenied</Code>", b"your trial is over"])
def test_a_refusal_for_another_reason_is_told_as_it_was(page: bytes) -> None:
    failure = refused()
    assert explained(failure, LINK, page, NOW) is failure


def test_the_links_own_word_suffices() -> None:
    link = parse("https://b.example/a?X-Amz-Date=20260105T100000Z&X-Amz-Expires=3600")
    assert "has expired" in explained(refused(), link, b"", NOW).detail


@pytest.mark.parametrize(
    ("target", "expired"),
    [
        ("/a?X-Amz-Date=20260105T100000Z&X-Amz-Expires=3600", True),
        ("/a?X-Amz-Date=20260105T113000Z&X-Amz-Expires=3600", False),
        ("/a?x-goog-date=20260105T100000Z&x-goog-expires=7200", True),
        ("/a?X-Goog-Date=20260105T100000Z&X-Goog-Expires=7201", False),
        (f"/a?Expires={int(NOW)}&Signature=x", True),
        (f"/a?Expires={int(NOW) + 1}&Signature=x", False),
        ("/a?se=2026-01-05T11%3A59%3A59Z&sig=x", True),
        ("/a?se=2026-01-05T12%3A00%3A01Z&sig=x", False),
        ("/a?se=2026-01-05&sig=x", True),
        ("/a?X-Amz-Date=yesterday&X-Amz-Expires=3600", False),
        ("/a?X-Amz-Date=20260105T100000Z&X-Amz-Expires=-1", False),
        ("/a?Expires=never", False),
        ("/a?Expires=99999999999999999999", False),
        ("/a", False),
        ("/a?", False),
    ],
)
def test_a_link_tells_until_when_it_is_valid(target: str, *, expired: bool) -> None:
    assert has_expired(target, NOW) is expired


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("X-Amz-Date=20260105T115900Z&X-Amz-Expires=3600", 3540),
        ("X-Goog-Date=20260105T120000Z&X-Goog-Expires=60", 60),
        ("sv=2024-01-01&se=2026-01-05T13%3A00%3A00Z&sig=x", 3600),
        ("Expires=1767618000&Signature=x&Key-Pair-Id=y", 3600),
        ("X-Amz-Expires=3600", None),
        ("Expires=soon", None),
        ("phrase=1767618000", None),
        ("", None),
    ],
)
def test_when_a_link_expires_is_in_its_query(query: str, seconds: float | None) -> None:
    link = f"https://bucket.example/a.jpg?{query}"
    assert expiry_of(link) == (None if seconds is None else NOW + seconds)
    assert expires_soon(link, NOW) is (seconds is not None)
    assert not expires_soon(link, NOW - 7200)


def test_links_that_expire_within_a_day_come_first() -> None:
    def link(seconds: float) -> str:
        return f"https://bucket.example/a.jpg?Expires={int(NOW + seconds)}"

    links = ["https://a.example/", link(3600), link(-1), link(60), link(100_000)]
    assert list(expiring_first(links, NOW)) == [3, 1, 0, 2, 4]
