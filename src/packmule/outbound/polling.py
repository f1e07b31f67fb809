"""Waiting for many sockets, and being woken, on Linux and elsewhere.

Owns the choice of system calls: epoll(7) and eventfd(2) where there are any, else poll(2) and a
pipe, as on macOS. The values of events are those of poll(2), which epoll shares.
"""

from __future__ import annotations

import math
import os
import select
from contextlib import suppress
from select import POLLNVAL
from typing import Protocol

_MILLISECONDS = 1000


class Poller(Protocol):
    """What waits for file descriptors."""

    def register(self, fd: int, eventmask: int, /) -> None:
        """Wait for these events of a descriptor from now on."""

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Wait for other events of a descriptor."""

    def unregister(self, fd: int, /) -> None:
        """Wait for a descriptor no more. Raises OSError, KeyError."""

    def poll(self, timeout: float, /) -> list[tuple[int, int]]:
        """Wait at most so many seconds; return descriptors with their events."""

    def close(self) -> None:
        """Release what the system holds for it."""


class Waker(Protocol):
    """A descriptor that becomes readable when another thread wants it to."""

    def fileno(self) -> int:
        """Return the descriptor to wait for."""

    def wake(self) -> None:
        """Make the descriptor readable."""

    def clear(self) -> None:
        """Make it unreadable again."""

    def close(self) -> None:
        """Close the descriptor."""


def new_poller() -> Poller:
    """Return an epoll, or what does the same with poll(2)."""
    return select.epoll() if hasattr(select, "epoll") else PollPoller()


def new_waker() -> Waker:
    """Return an eventfd, or a pipe that does the same."""
    return EventWaker() if hasattr(os, "eventfd") else PipeWaker()


class PollPoller:
    """Waits with poll(2). A descriptor that was closed is forgotten at the next look."""

    def __init__(self) -> None:
        self._poll = select.poll()

    def register(self, fd: int, eventmask: int, /) -> None:
        """Wait for these events of a descriptor from now on."""
        self._poll.register(fd, eventmask)

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Wait for other events of a descriptor, which may have been closed and opened again."""
        self._poll.register(fd, eventmask)

    def unregister(self, fd: int, /) -> None:
        """Wait for a descriptor no more."""
        with suppress(KeyError):
            self._poll.unregister(fd)

    def poll(self, timeout: float, /) -> list[tuple[int, int]]:
        """Wait at most so many seconds; return descriptors with their events."""
        found = []
        for fd, events in self._poll.poll(math.ceil(timeout * _MILLISECONDS)):
            if events & POLLNVAL:
                self.unregister(fd)
            else:
                found.append((fd, events))
        return found

    def close(self) -> None:
        """Do nothing: the system holds nothing for it."""


class EventWaker:
    """Wakes by eventfd(2)."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._fd

    def wake(self) -> None:
        """Make the descriptor readable."""
        os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Make it unreadable again."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._fd)


class PipeWaker:
    """Wakes by a byte in a pipe."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for fd in (self._reader, self._writer):
            os.set_blocking(fd, False)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._reader

    def wake(self) -> None:
        """Make the descriptor readable."""
        with suppress(BlockingIOError):  # it is full, and so readable
            os.write(self._writer, b"\0")

    def clear(self) -> None:
        """Make it unreadable again."""
        with suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass

    def close(self) -> None:
        """Close both ends."""
        os.close(self._reader)
        os.close(self._writer)
