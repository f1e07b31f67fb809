"""Wait for sockets: what libcurl wants to know, over one epoll or what stands in for it.

Owns the registration of sockets. A socket stays registered between transfers, because two system
calls per small file would cost more than everything else. One that becomes ready while no transfer
wants it (its host closed it) is unregistered then, and libcurl notices at its next use.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from select import POLLERR, POLLHUP, POLLIN, POLLOUT

import pycurl

from packmule.outbound.polling import new_poller, new_waker

_SOCKET_IS_GOOD: int = pycurl.SOCKOPT_OK
_IN: int = pycurl.CSELECT_IN
_WANTED: dict[int, int] = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: POLLIN,
    pycurl.POLL_OUT: POLLOUT,
    pycurl.POLL_INOUT: POLLIN | POLLOUT,
}


class Readiness:
    """The epoll, libcurl's timer and the wake-up of one transfer loop."""

    def __init__(self, multi: pycurl.CurlMulti) -> None:
        self._multi = multi
        self._poll = new_poller()
        self._masks: dict[int, int] = {}
        self._idle: set[int] = set()
        self.timer: float | None = None
        self._waking = threading.Lock()
        self._closed = False
        self._waker = new_waker()
        self._wake_fd = self._waker.fileno()
        self._poll.register(self._wake_fd, POLLIN)
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    def wake(self) -> None:
        """End a wait now. Any thread may call this."""
        with self._waking:
            # Once closed, the number may be another file's.
            if not self._closed:
                self._waker.wake()

    def turn(self, longest: float, now: float, active: int) -> bool:
        """Wait at most `longest` seconds and let libcurl work; return whether `wake` was called.

        `active` is how many transfers are open.
        """
        act = self._multi.socket_action
        if self.timer is not None and now >= self.timer:
            # Send what was just begun before waiting for anything.
            self.timer = None
            _, running = act(pycurl.SOCKET_TIMEOUT, 0)
            if running < active:
                # Some have ended already, as may happen over TLS: no event might come for them.
                longest = 0.0
        if self.timer is not None:
            longest = min(longest, max(0.0, self.timer - time.monotonic()))
        idle = self._idle
        woken = False
        for fd, events in self._poll.poll(longest):
            if fd == self._wake_fd:
                self._waker.clear()
                woken = True
            elif fd in idle:
                self._forget(fd)
            else:
                act(fd, _IN if events == POLLIN else _mask(events))
        if self.timer is not None and time.monotonic() >= self.timer:
            self.timer = None
            act(pycurl.SOCKET_TIMEOUT, 0)
        return woken

    def opened(self, fd: int, _purpose: int) -> int:
        """Forget an older socket of this number (CURLOPT_SOCKOPTFUNCTION, at each new socket).

        libcurl closes its sockets itself, and closing takes them out of the epoll.
        """
        self._idle.discard(fd)
        self._masks.pop(fd, None)
        return _SOCKET_IS_GOOD

    def close(self) -> None:
        """Close the descriptors."""
        self._poll.close()
        with self._waking:
            self._closed = True
            self._waker.close()

    def _forget(self, fd: int) -> None:
        self._idle.discard(fd)
        if self._masks.pop(fd, None) is not None:
            with suppress(OSError):  # libcurl may have closed it already
                self._poll.unregister(fd)

    def _on_socket(self, what: int, fd: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            if fd in self._masks:
                self._idle.add(fd)
            return
        self._idle.discard(fd)
        wanted = _WANTED[what]
        have = self._masks.get(fd)
        if have == wanted:
            return
        if have is None:
            self._poll.register(fd, wanted)
        else:
            self._poll.modify(fd, wanted)
        self._masks[fd] = wanted

    def _on_timer(self, milliseconds: int) -> None:
        if milliseconds > 0:
            self.timer = time.monotonic() + milliseconds / 1000
        else:
            self.timer = None if milliseconds else 0.0


def _mask(events: int) -> int:
    """Translate epoll's events to libcurl's."""
    mask = 0
    if events & POLLIN:
        mask |= pycurl.CSELECT_IN
    if events & POLLOUT:
        mask |= pycurl.CSELECT_OUT
    if events & (POLLERR | POLLHUP):
        mask |= pycurl.CSELECT_ERR
    return mask
