"""What the head of an answer decides is decided then, whether or not a body follows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.faults.origin import Origin

from packmule.errors import Failure, FailureCode
from packmule.outbound import transfer_handle
from packmule.outbound.addresses import AddressRules, parse_networks, parse_ports
from packmule.outbound.fetch import Fetch
from packmule.outbound.head import parse as parse_head
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.outcomes import Finished
from packmule.outbound.rate_limiter import RateLimits
from packmule.outbound.receiver import BodyRefused
from packmule.outbound.transfer import Limits
from packmule.outbound.transfer_handle import TransferHandle
from packmule.outbound.transfer_loop import TransferLoop
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.faults.origin import Exchange

    from packmule.outbound.head import Head

RULES = AddressRules(
    allow_networks=parse_networks("127.0.0.0/8"), allow_ports=parse_ports("1-65535")
)
PATIENT = LoopSettings(stall_timeout=600.0)
"""A loop in which nothing stalls: whatever ends a try here, patience did not."""


class Picky:
    """A receiver that takes no body at all."""

    kept = 0

    def __init__(self) -> None:
        self.heads: list[int] = []
        self.failure: Failure | None = None
        self.told = threading.Event()

    has_ended = False
    segmented = None

    def tail(self, _length: int) -> bytes:
        return b""

    def go_on(self, _start: int) -> None:
        raise AssertionError

    def accept(self, head: Head, *_: object) -> None:
        self.heads.append(head.status)
        raise BodyRefused(Failure(FailureCode.TOO_LARGE, "too large", attempts=0))

    def write(self, _view: memoryview) -> bool:
        raise AssertionError

    def rest(self) -> None:
        raise AssertionError

    def postpone(self, *_: object) -> None:
        raise AssertionError

    def finish(self) -> None:
        raise AssertionError

    def fail(self, failure: Failure) -> None:
        self.failure = failure
        self.told.set()


@pytest.fixture
def loop() -> Iterator[TransferLoop]:
    loop = TransferLoop(RULES, PATIENT)
    loop.start()
    yield loop
    loop.close()


def fetched(loop: TransferLoop, origin: Origin) -> Picky:
    receiver = Picky()
    loop.add(JobQueue(), [Fetch(parse(origin.url()), receiver)])
    assert receiver.told.wait(30)
    return receiver


def _no_body(x: Exchange) -> None:
    x.head(200, "Content-Length: 5000000")
    x.stall()


def _hints_and_no_body(x: Exchange) -> None:
    x.head(103, "Link: </style.css>; rel=preload")
    _no_body(x)


@pytest.mark.parametrize("script", [_no_body, _hints_and_no_body])
def test_a_body_that_is_refused_at_its_head_is_not_waited_for(
    script: object, loop: TransferLoop
) -> None:
    assert callable(script)
    with Origin(script) as origin:
        receiver = fetched(loop, origin)
        assert receiver.heads == [200]
        assert receiver.failure == Failure(FailureCode.TOO_LARGE, "too large", attempts=1)
        assert len(origin.asked) == 1


def _many_hints_and_no_body(x: Exchange) -> None:
    for _ in range(500):
        x.head(103)
    _no_body(x)


def test_interim_responses_are_not_parsed_again_with_each_that_follows(
    loop: TransferLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []

    def counting(lines: Sequence[bytes]) -> Head:
        parsed.append(len(lines))
        return parse_head(lines)

    monkeypatch.setattr(transfer_handle, "parse_head", counting)
    with Origin(_many_hints_and_no_body) as origin:
        assert fetched(loop, origin).heads == [200]
    assert len(parsed) == 501
    assert max(parsed) < 10


def test_a_handle_shows_its_state_in_a_line_without_a_query() -> None:
    handle = TransferHandle(
        RULES,
        Limits(),
        connect_timeout=1.0,
        ca_file=None,
        user_agent="packmule",
        rates=RateLimits(0.0, {}),
        opened=lambda _fd, _purpose: 0,
        on_large=lambda _handle, _waited: None,
    )
    assert repr(handle) == "<TransferHandle idle>"
    receiver = Picky()
    fetch = Fetch(parse("https://a.example/b.bin?secret=1"), receiver)
    handle.begin(JobQueue(), fetch, (), 0.0, http2=False)
    assert repr(handle) == "<TransferHandle https://a.example/b.bin waiting>"
    handle.write = receiver.write
    receiver.kept = 7
    assert repr(handle) == "<TransferHandle https://a.example/b.bin receiving bytes=7>"
    handle.paused = True
    assert repr(handle) == "<TransferHandle https://a.example/b.bin paused bytes=7>"
    handle.after = Finished()
    assert repr(handle) == "<TransferHandle https://a.example/b.bin discarding bytes=0>"
    handle.curl.close()
