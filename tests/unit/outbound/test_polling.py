"""Waiting for descriptors by epoll and by poll: the same."""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING

import pytest

from packmule.outbound.polling import (
    EventWaker,
    PipeWaker,
    PollPoller,
    new_poller,
    new_waker,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.outbound.polling import Poller, Waker


@pytest.mark.parametrize("kind", [select.epoll, PollPoller])
def test_a_socket_is_ready_for_what_is_wanted_of_it(kind: Callable[[], Poller]) -> None:
    poller = kind()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poller.register(ours.fileno(), select.POLLIN)
        assert poller.poll(0.0) == []
        theirs.send(b"x")
        assert poller.poll(1.0) == [(ours.fileno(), select.POLLIN)]
        poller.modify(ours.fileno(), select.POLLOUT)
        assert poller.poll(1.0) == [(ours.fileno(), select.POLLOUT)]
        poller.unregister(ours.fileno())
        assert poller.poll(0.0) == []
    poller.close()


@pytest.mark.parametrize("kind", [select.epoll, PollPoller])
def test_a_closed_socket_is_forgotten(kind: Callable[[], Poller]) -> None:
    poller = kind()
    ours, theirs = socket.socketpair()
    poller.register(ours.fileno(), select.POLLIN)
    ours.close()
    theirs.close()
    assert poller.poll(0.0) == []
    assert poller.poll(0.0) == []
    poller.close()


@pytest.mark.parametrize("kind", [EventWaker, PipeWaker])
def test_waking_twice_is_one_event_until_it_is_cleared(kind: Callable[[], Waker]) -> None:
    waker, poller = kind(), PollPoller()
    poller.register(waker.fileno(), select.POLLIN)
    waker.clear()
    assert poller.poll(0.0) == []
    waker.wake()
    waker.wake()
    assert len(poller.poll(1.0)) == 1
    waker.clear()
    assert poller.poll(0.0) == []
    waker.close()


def test_a_full_pipe_is_no_error() -> None:
    waker = PipeWaker()
    for _ in range(100_000):
        waker.wake()
    waker.close()


def test_where_the_system_lacks_epoll_and_eventfd_others_stand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(select, "epoll")
    monkeypatch.delattr(os, "eventfd")
    assert isinstance(new_poller(), PollPoller)
    waker = new_waker()
    assert isinstance(waker, PipeWaker)
    waker.close()
