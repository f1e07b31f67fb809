"""Which connections are slow for too long, and which make room: by what the kernel counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from packmule.web.connection_watch import ConnectionWatch, Patience
from packmule.web.open_connections import OpenConnection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Message, Receive, Scope, Send

TIMEOUT = 60.0
LOOK = 0.1


def connection(number: int, address: str = "192.0.2.1", unsent: int = 0) -> OpenConnection:
    return OpenConnection(number, (address, 40_000 + number), unsent, taken=1, received=100)


def patience(crowd: int = 3) -> Patience:
    return Patience(TIMEOUT, crowd=crowd, proxies=[ip_network("10.0.0.0/8")])


def watched(
    seen: Patience,
    found: Iterable[OpenConnection],
    seconds: float,
    *,
    rate: int = 0,
    busy: Iterable[OpenConnection] = (),
) -> list[OpenConnection]:
    """Look for some seconds at clients that take so many bytes a second; return the latest."""
    latest, peers = list(found), {each.peer for each in busy}
    for look in range(int(seconds / LOOK) + 1):
        taken = int(look * LOOK * rate)
        latest = [replace(each, taken=each.taken + taken) for each in found]
        seen.note(latest, peers, look * LOOK)
    return latest


@pytest.mark.parametrize(("rate", "is_overdue"), [(0, True), (900, True), (1_100, False)])
def test_a_client_must_take_a_kilobyte_a_second(rate: int, *, is_overdue: bool) -> None:
    seen = patience()
    found = watched(seen, [connection(1, unsent=5)], TIMEOUT, rate=rate)
    assert bool(seen.overdue(found, TIMEOUT)) == is_overdue


def test_a_client_has_the_whole_timeout() -> None:
    seen = patience()
    found = watched(seen, [connection(1, unsent=5)], TIMEOUT - LOOK)
    assert seen.overdue(found, TIMEOUT - LOOK) == []


def test_a_quick_beginning_earns_no_pause_longer_than_another_timeout() -> None:
    seen = patience()
    [slow] = watched(seen, [connection(1, unsent=5)], 1, rate=100_000_000)
    seen.note([slow], set(), 1 + TIMEOUT)
    assert seen.overdue([slow], 1 + TIMEOUT) == [slow]


def test_who_has_taken_everything_may_wait() -> None:
    seen = patience()
    found = watched(seen, [connection(1, unsent=0)], 2 * TIMEOUT)
    assert seen.overdue(found, 2 * TIMEOUT) == []


def test_another_connection_with_the_same_descriptor_begins_anew() -> None:
    seen = patience()
    watched(seen, [connection(1, unsent=5)], TIMEOUT)
    [other] = [replace(connection(1, unsent=5), peer=("192.0.2.1", 1))]
    seen.note([other], set(), TIMEOUT)
    assert seen.overdue([other], TIMEOUT) == []
    assert seen.still([other], TIMEOUT) == []


def test_a_crowd_makes_room_at_once_and_others_after_a_pause() -> None:
    seen = patience(crowd=3)
    crowd = [connection(n, "192.0.2.1") for n in range(4)]
    few = [connection(n, "192.0.2.2", unsent=5) for n in range(10, 13)]
    found = watched(seen, [*few, *crowd], 1)
    assert set(seen.still(found, 1)) == set(crowd)
    found = watched(seen, [*few, *crowd], 10)
    assert set(seen.still(found, 10)) == {*few, *crowd}
    assert set(seen.still(found, 10)[:4]) == set(crowd)


def test_a_proxy_of_ours_is_no_crowd() -> None:
    seen = patience(crowd=3)
    found = watched(seen, [connection(n, "10.0.0.1") for n in range(9)], 1)
    assert seen.still(found, 1) == []


def test_who_is_answered_or_reads_does_not_stand_still() -> None:
    seen = patience(crowd=0)
    waiting, staring = connection(1), connection(2, unsent=5)
    found = watched(seen, [waiting, staring], 20, busy=[waiting, staring])
    assert seen.still(found, 20) == [staring]
    reading = watched(patience_ := patience(crowd=0), [connection(3, unsent=5)], 20, rate=2_000)
    assert patience_.still(reading, 20) == []


def test_the_one_that_stands_still_longest_makes_room_first() -> None:
    seen = patience(crowd=0)
    first, second = connection(1), connection(2)
    seen.note([first], set(), 0.0)
    seen.note([first, second], set(), 5.0)
    assert seen.still([second, first], 6.0) == [first, second]


def noted(scope: dict[str, Any], messages: Iterable[Message]) -> list[set[tuple[str, int]]]:
    """Give the peers that are busy before each message that an application receives, and after."""
    watch = ConnectionWatch(1, connections=8, send_timeout=TIMEOUT, proxies=())
    seen: list[set[tuple[str, int]]] = []
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    async def send(_message: Message) -> None:
        pass

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        seen.append(watch.busy())
        for _ in range(2):
            await receive()
            seen.append(watch.busy())

    async def handle() -> None:
        await watch.around(app)(scope, receive, send)

    asyncio.run(handle())
    return [*seen, watch.busy()]


def test_a_request_is_in_work_once_its_body_is_there() -> None:
    peer = ("192.0.2.1", 4711)
    scope = {"type": "http", "client": peer, "headers": [(b"content-length", b"2")]}
    part = {"type": "http.request", "body": b"x", "more_body": True}
    whole = {"type": "http.request", "body": b"x", "more_body": False}
    assert noted(scope, [part, whole]) == [set(), set(), {peer}, set()]
    assert noted(scope | {"headers": []}, [part, whole]) == [{peer}, {peer}, {peer}, set()]
