"""No source is sent what another's responses have set, however that one's try ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.fakes.raw_origin import Asked, RawOrigin, response

from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.fetch import Fetch
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer_loop import TransferLoop
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from packmule.errors import Failure

SET = b"Set-Cookie: session=secret; Path=/\r\n"
BODY = b"x" * 100


class Receiver:
    """Takes a body and tells when its first bytes came, and when it has ended."""

    has_ended = False
    segmented = None

    def __init__(self) -> None:
        self.kept = 0
        self.begun, self.ended = threading.Event(), threading.Event()

    def tail(self, _length: int) -> bytes:
        return b""

    def go_on(self, _start: int) -> None:
        raise AssertionError

    def accept(self, *_: object) -> None:
        pass

    def write(self, view: memoryview) -> bool:
        self.kept += len(view)
        self.begun.set()
        return False

    def rest(self) -> None:
        pass

    def postpone(self, *_: object) -> None:
        pass

    def finish(self) -> None:
        self.ended.set()

    def fail(self, failure: Failure) -> None:
        raise AssertionError(failure)


def interim(asked: Asked, _: socket.socket) -> bytes:
    """Set a cookie in an interim response only."""
    hints = b"HTTP/1.1 103 Early Hints\r\n" + SET + b"\r\n"
    return (hints if asked.number == 1 else b"") + response(body=BODY)


def half(asked: Asked, _: socket.socket) -> bytes:
    """Set a cookie, then send half of a body."""
    whole = response(body=BODY)
    return whole.replace(b"\r\n", b"\r\n" + SET, 1)[:-50] if asked.number == 1 else whole


@pytest.mark.parametrize("handler", [interim, half])
def test_a_cookie_goes_with_its_source(
    handler: Callable[[Asked, socket.socket], bytes],
) -> None:
    rules = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))
    loop = TransferLoop(rules, LoopSettings(transfers=1))
    loop.start()
    with RawOrigin(handler) as origin:
        first, second = Receiver(), Receiver()
        queue = JobQueue()
        loop.add(queue, [Fetch(parse(f"{origin.url}/a"), first)])
        assert first.begun.wait(10)
        if handler is half:
            loop.remove(queue)
        else:
            assert first.ended.wait(10)
        loop.add(JobQueue(), [Fetch(parse(f"{origin.url}/b"), second)])
        assert second.ended.wait(10)
    loop.close()
    assert [asked.fields.get("cookie") for asked in origin.seen] == [None, None]
