"""Waiting for sockets: never while something has ended that nobody has looked at yet."""

from __future__ import annotations

from typing import Any, cast

import pycurl
import pytest

from packmule.outbound.readiness import Readiness

FOR_EVER = 3600.0


class FakeMulti:
    """A libcurl whose transfers end as soon as they are begun, as over TLS they may."""

    def __init__(self, *, running: int) -> None:
        self.running = running
        self.acted: list[int] = []
        self.options: dict[int, Any] = {}

    def setopt(self, option: int, value: Any) -> None:
        """Keep a callback."""
        self.options[option] = value

    def socket_action(self, socket: int, _events: int) -> tuple[int, int]:
        """Tell how many transfers go on."""
        self.acted.append(socket)
        return 0, self.running


@pytest.mark.timeout(60)
def test_nobody_waits_where_a_transfer_has_ended_at_once() -> None:
    multi = FakeMulti(running=1)
    ready = Readiness(cast("pycurl.CurlMulti", multi))
    multi.options[pycurl.M_TIMERFUNCTION](0)
    assert not ready.turn(FOR_EVER, now=1.0, active=2)
    assert multi.acted == [pycurl.SOCKET_TIMEOUT]
    ready.close()


@pytest.mark.timeout(60)
def test_a_wake_ends_a_wait() -> None:
    ready = Readiness(cast("pycurl.CurlMulti", FakeMulti(running=2)))
    ready.wake()
    assert ready.turn(FOR_EVER, now=1.0, active=2)
    assert not ready.turn(0.0, now=1.0, active=2)
    ready.close()


def test_a_timer_of_libcurl_is_kept() -> None:
    multi = FakeMulti(running=1)
    ready = Readiness(cast("pycurl.CurlMulti", multi))
    multi.options[pycurl.M_TIMERFUNCTION](1)
    ready.turn(FOR_EVER, now=0.0, active=1)
    assert multi.acted == [pycurl.SOCKET_TIMEOUT]
    multi.options[pycurl.M_TIMERFUNCTION](-1)
    ready.turn(0.0, now=0.0, active=1)
    assert multi.acted == [pycurl.SOCKET_TIMEOUT]
    ready.close()


def test_waking_after_the_end_does_nothing() -> None:
    ready = Readiness(cast("pycurl.CurlMulti", FakeMulti(running=0)))
    ready.close()
    ready.wake()
