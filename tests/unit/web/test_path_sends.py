"""How many files the server sends by their path, and when one counts no longer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from packmule.web.path_sends import EXTENSION, MOST, PathSends

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LATER = 1.0
"""Seconds after which a file that nobody waits for has been sent."""


def peer(number: int) -> tuple[str, int]:
    return ("192.0.2.1", number)


def asked(sends: PathSends, *numbers: int, **of_scope: Any) -> list[bool]:
    """Send a file to each client, by its path where that is offered; return where it was."""
    offered = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        offered.append(EXTENSION in scope.get("extensions", {}))
        if offered[-1]:
            await send({"type": EXTENSION, "path": "/archive.zip"})

    async def receive() -> Message:
        raise AssertionError("the application does not read")

    async def send(message: Message) -> None:
        assert message["type"] == EXTENSION

    for number in numbers:
        scope = {"type": "http", "client": peer(number), "extensions": {EXTENSION: {}}}
        handle(sends, app, {**scope, **of_scope}, receive, send)
    return offered


def handle(sends: PathSends, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async def handled() -> None:
        await sends.around(app)(scope, receive, send)

    asyncio.run(handled())


@pytest.fixture
def full() -> PathSends:
    """Give what sends as many files as it may."""
    sends = PathSends()
    sends.keep(set(), 0.0)
    assert all(asked(sends, *range(MOST)))
    return sends


def test_at_the_bound_sending_by_path_is_no_longer_offered(full: PathSends) -> None:
    assert asked(full, MOST, MOST + 1) == [False, False]


def test_a_file_counts_while_its_client_has_not_taken_everything(full: PathSends) -> None:
    waiting = {peer(number) for number in range(MOST)}
    full.keep(waiting, time.monotonic() + LATER)
    assert asked(full, MOST) == [False]
    full.keep(waiting - {peer(3)}, time.monotonic() + LATER)
    assert asked(full, MOST, MOST + 1) == [True, False]


def test_a_file_just_begun_counts_although_nothing_waits_yet(full: PathSends) -> None:
    full.keep(set(), time.monotonic())
    assert asked(full, MOST) == [False]


def test_other_extensions_are_still_offered(full: PathSends) -> None:
    kept: dict[str, Any] = {}

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        kept.update(scope["extensions"])

    async def nothing() -> Message:
        return {}

    async def send(_message: Message) -> None: ...

    scope = {"type": "http", "client": peer(99), "extensions": {EXTENSION: {}, "other": {}}}
    handle(full, app, scope, nothing, send)
    assert kept == {"other": {}}


def test_a_second_file_on_the_same_connection_takes_the_place_of_the_first() -> None:
    sends = PathSends()
    sends.keep(set(), 0.0)
    assert all(asked(sends, *[7] * (MOST + 1)))


def test_without_anyone_who_tells_what_has_ended_nothing_is_bounded_nor_kept() -> None:
    sends = PathSends()
    assert all(asked(sends, *range(MOST + 5)))
    sends.keep({peer(number) for number in range(MOST + 5)}, 0.0)
    assert all(asked(sends, *range(100, 100 + MOST)))


def test_what_has_no_client_or_does_not_offer_it_passes() -> None:
    sends = PathSends()
    assert asked(sends, 1, client=None) == [True]
    assert asked(sends, 1, extensions={}) == [False]
