"""Reading bodies: bounded in size, time and the memory of all of them together."""

from __future__ import annotations

import asyncio
import gc
import weakref
from functools import partial
from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request

from packmule.web.bodies import BodyReader
from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from starlette.types import Message


def request(*pieces: bytes, hang: bool = False, **headers: str) -> Request:
    """Return a request whose body comes in these pieces."""
    left: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
    ]

    async def receive() -> Message:
        if left:
            return left.pop(0)
        if hang:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


async def body_of(
    reader: BodyReader, asked: Request, limit: int = 100, seconds: float = 60
) -> bytes:
    async with reader.read(asked, limit, seconds) as body:
        return bytes(body)


def status_of(asked: Request, limit: int = 100, seconds: float = 60) -> int:
    with pytest.raises(Problem) as problem:
        asyncio.run(body_of(BodyReader(), asked, limit, seconds))
    return problem.value.status


def test_a_body_is_put_together() -> None:
    assert asyncio.run(body_of(BodyReader(), request(b"a", b"b", b"c"), 3)) == b"abc"


@pytest.mark.parametrize("length", ["4", "9" * 5000])
def test_a_body_is_refused_by_its_announced_length_before_it_is_read(length: str) -> None:
    assert status_of(request(hang=True, content_length=length), 3) == 413


def test_a_body_is_refused_as_soon_as_it_is_too_long() -> None:
    assert status_of(request(b"ab", b"cd", hang=True), 3) == 413


def test_a_body_that_does_not_come_is_given_up() -> None:
    assert status_of(request(b"ab", hang=True), 3, 0.01) == 408


def test_all_bodies_together_are_bounded_and_room_comes_back() -> None:
    reader = BodyReader(budget=10)

    async def scenario() -> tuple[int, bytes]:
        held = asyncio.create_task(body_of(reader, request(b"x" * 8, hang=True), 100))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(Problem) as problem:
            await body_of(reader, request(b"x" * 8), 100)
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held
        return problem.value.status, await body_of(reader, request(b"y" * 8), 100)

    assert asyncio.run(scenario()) == (503, b"y" * 8)


def test_a_body_counts_until_it_has_been_dealt_with() -> None:
    reader = BodyReader(budget=10)

    async def scenario() -> int:
        async with reader.read(request(b"x" * 8), 100):
            assert repr(reader) == "<BodyReader: 8 of 10 bytes held>"
            with pytest.raises(Problem) as problem:
                await body_of(reader, request(b"x" * 8), 100)
        assert repr(reader) == "<BodyReader: 0 of 10 bytes held>"
        return problem.value.status

    assert asyncio.run(scenario()) == 503


@pytest.mark.parametrize(("size", "seen"), [(10, 10), (65_536, 65_536), (200_000, 65_536)])
def test_the_beginning_is_checked_before_more_is_read(size: int, seen: int) -> None:
    checked: list[int] = []

    async def check(beginning: bytes) -> None:
        checked.append(len(beginning))
        raise Problem(401, ProblemCode.UNAUTHORIZED, "No.")

    async def scenario() -> None:
        pieces = [b"x" * 5] * (size // 5) if size < 100 else [b"x" * (size // 2)] * 2
        async with BodyReader().read(request(*pieces), size, check=check):
            raise AssertionError("it was not refused")

    with pytest.raises(Problem) as problem:
        asyncio.run(scenario())
    assert (problem.value.status, checked) == (401, [seen])


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x"])
def test_a_compressed_body_is_415(coding: str) -> None:
    with pytest.raises(Problem) as problem:
        asyncio.run(body_of(BodyReader(), request(b"x", content_encoding=coding)))
    assert (problem.value.status, problem.value.code) == (415, "unsupported-media-type")
    assert problem.value.headers["Accept-Encoding"] == "identity"


def test_one_body_may_be_larger_than_the_budget_of_all() -> None:
    reader = BodyReader(budget=10)
    body = asyncio.run(body_of(reader, request(b"x" * 8, b"x" * 8, content_encoding=" Identity")))
    assert body == b"x" * 16


def test_a_body_that_was_emptied_makes_room() -> None:
    reader = BodyReader()

    async def scenario() -> None:
        async with reader.read(request(b"x" * 8), 100) as body:
            body.clear()

    asyncio.run(scenario())
    assert repr(reader).startswith("<BodyReader: 0 of")


class Parsed:
    """What a function makes of a body: many megabytes, perhaps."""


def refuse(parsed: Parsed) -> None:
    raise Problem(422, ProblemCode.INVALID, f"{parsed} is not a list.")


@pytest.mark.parametrize("size", [10, 2 * 1024 * 1024])
def test_what_a_refused_body_was_made_into_is_freed_at_once(size: int) -> None:
    async def is_freed() -> bool:
        found = await processed()
        for _ in range(1_000):  # the thread lets go of what it ran a moment later
            if found() is None:
                return True
            await asyncio.sleep(0.01)
        return False

    async def processed() -> weakref.ref[Parsed]:
        function = partial(refuse, Parsed())
        with pytest.raises(Problem):
            await BodyReader().process(bytearray(size), function)
        return weakref.ref(function.args[0])

    gc.disable()
    try:
        assert asyncio.run(is_freed())
    finally:
        gc.enable()
