"""Who may create is decided before the body is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fakes.clock import FakeClock
from tests.unit.web.test_auth import (
    ANN,
    BOB,
    BODY,
    CREATE,
    create,
    created,
    refused,
    with_key,
    with_keys,
)

from packmule.jobs.quota import Quota
from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.rate_limit import Rate, RateLimit
from packmule.web.services import Access

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.unit.web.conftest import App

UNASKED = {"Expect": "100-continue", "Content-Length": "9000000"}


class Unread(httpx.AsyncByteStream):
    """A body that must not be read; it is sent with `UNASKED`, so that nothing discards it."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""


@pytest.mark.parametrize("path", [CREATE, "/archives"])
@pytest.mark.parametrize(
    ("access", "status", "code"),
    [
        (lambda: Access(creates=RateLimit(Rate(1, 60), FakeClock())), 429, "rate-limited"),
        (lambda: Access(quota=Quota(jobs=1)), 429, "quota-exceeded"),
        (lambda: Access(keys=Keyring(parse_keys("ann:anns-key"))), 401, "unauthorized"),
    ],
    ids=["rate", "quota", "key"],
)
def test_who_may_not_create_is_refused_before_the_body_is_read(
    app: App, access: Callable[[], Access], status: int, code: str, path: str
) -> None:
    app.change(access=access())
    if status == 429:
        created(app)
    headers = {"Content-Type": "application/x-www-form-urlencoded", **UNASKED}
    if path == "/archives" and status == 401:
        # Its key is in it: so much is read, and no more.
        headers["Content-Length"] = "70000"
        answer = app.ask("POST", path, content=b"links=" + b"%" * 69_994, headers=headers)
    else:
        answer = app.ask("POST", path, content=Unread(), headers=headers)
    if path == CREATE:
        refused(answer, status, code)
    assert answer.status_code == status


def test_a_retry_by_somebody_else_is_refused_before_its_body_is_read(app: App) -> None:
    with_keys(app)
    hash_ = created(app, ANN)
    answer = app.ask("POST", f"/api/archive/retry/{hash_}", content=Unread(), headers=BOB | UNASKED)
    refused(answer, 403, "forbidden")


def test_a_request_sent_again_needs_no_place(app: App) -> None:
    app.change(access=Access(quota=Quota(jobs=1)))
    first = create(app, with_key("k"))
    assert create(app, with_key("k")).json() == first.json()


def test_many_networks_of_one_site_have_a_rate_together(app: App) -> None:
    app.change(access=Access(creates=RateLimit(Rate(1, 60), FakeClock())))

    def statuses(prefix: str, number: int) -> list[int]:
        return [
            app.ask("POST", CREATE, json=BODY, peer=f"{prefix}:{n:x}::1").status_code
            for n in range(number)
        ]

    assert statuses("2001:db8:1", 18) == [202] * 16 + [429] * 2
    assert statuses("2001:db8:2", 1) == [202]
