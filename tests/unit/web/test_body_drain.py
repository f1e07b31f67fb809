"""What is left of a body after its response: discarded, for a bounded time and amount."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from packmule.web.body_drain import DrainMiddleware

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

PIECE = 1000


class Client:
    """A client that sends so many pieces of a body, then nothing; what it does is in `log`."""

    def __init__(self, pieces: int, *, stops: bool = False) -> None:
        self.left = pieces
        self.stops = stops
        self.log: list[str] = []

    async def receive(self) -> Message:
        if self.left == 0 and self.stops:
            await asyncio.Event().wait()
        self.left -= 1
        self.log.append("sent")
        more = self.left > 0 or self.stops
        return {"type": "http.request", "body": b"x" * PIECE, "more_body": more}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.log.append(f"{message['body'].decode()}{'…' if message.get('more_body') else ''}")

    def ask(self, *, read: int = 0, headers: dict[str, str] | None = None, **limits: float) -> None:
        """Send a request to an application that reads so many pieces and answers."""

        async def application(_scope: Scope, receive: Receive, send: Send) -> None:
            for _ in range(read):
                await receive()
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"no"})

        given = {"content-length": "9"} if headers is None else headers
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        middleware = DrainMiddleware(application, **limits)  # type: ignore[arg-type]
        scope = {"type": "http", "method": "POST", "headers": raw}
        asyncio.run(middleware(scope, self.receive, self.send))


def test_the_response_comes_at_once_and_ends_when_the_body_has() -> None:
    client = Client(3)
    client.ask(read=1)
    assert client.log == ["sent", "n…", "sent", "sent", "o"]


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}])
def test_without_a_body_the_response_is_sent_as_it_is(headers: dict[str, str]) -> None:
    client = Client(3)
    client.ask(headers=headers)
    assert client.log == ["no"]


def test_a_body_that_was_read_is_not_waited_for() -> None:
    client = Client(2)
    client.ask(read=2)
    assert client.log == ["sent", "sent", "no"]


def test_a_client_that_waits_to_be_asked_is_not_asked() -> None:
    headers = {"transfer-encoding": "chunked", "expect": "100-continue"}
    client = Client(2)
    client.ask(headers=headers)
    assert client.log == ["no"]
    client.ask(headers=headers, read=1)  # it was asked: it sends
    assert client.log == ["no", "sent", "n…", "sent", "o"]


def test_no_more_is_discarded_than_may_be() -> None:
    client = Client(1_000_000)
    client.ask(most_bytes=5 * PIECE)
    assert client.log == ["n…", *["sent"] * 5, "o"]


@pytest.mark.parametrize(("silence", "seconds"), [(0.01, 60), (60, 0.01)])
def test_a_client_that_stops_is_not_waited_for(silence: float, seconds: float) -> None:
    client = Client(2, stops=True)
    client.ask(silence=silence, seconds=seconds)
    assert client.log == ["n…", "sent", "sent", "o"]
