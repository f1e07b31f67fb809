"""Send one webhook message by POST, from the calling thread.

Owns the whole request, on a libcurl handle of its own: it shares nothing (connection, cookie, DNS
answer) with the transfers of sources or with another try. Under rules it passes the same SSRF guard
as a source: the URL, every address of its name, each connection and its peer. Follows no redirect.
Leaves what a response means to the caller.

    name looked up ──> all addresses checked ──> connected to one of them ──> sent ──> head ──> body
    |<────────────────────────────────── `seconds` in total ─────────────────────────────────────>|

The status is known once the head is complete. The body is discarded, and at most `MOST_BODY` bytes
of it are read, so that a receiver can finish its response; unless the caller wants it, whole.
"""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

import pycurl

from packmule.errors import FailureCode
from packmule.outbound import faults, urls
from packmule.outbound.head import HeadInvalid, parse
from packmule.outbound.outcomes import Answered, TryFailed
from packmule.outbound.retry_hints import retry_after
from packmule.outbound.ssrf_guard import NewSocket, SsrfGuard, keep_to_the_request, pin
from packmule.outbound.user_agent import DEFAULT as DEFAULT_USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.head import Head
    from packmule.outbound.resolver import Resolution, Resolver
    from packmule.outbound.urls import Url

SECONDS = 15.0
MOST_HEAD = 64 * 1024
MOST_BODY = 64 * 1024
_PREREQ_OK, _PREREQ_ABORT = 0, 1
_NO_SOCKET: int = pycurl.SOCKET_BAD


class Poster:
    """Sends messages, from any thread. `rules` apply to a stranger's URL; None allows every URL."""

    def __init__(
        self,
        resolver: Resolver,
        rules: AddressRules | None,
        *,
        ca_file: str | None = None,
        seconds: float = SECONDS,
        user_agent: str = DEFAULT_USER_AGENT,
    ) -> None:
        self._resolver = resolver
        self._rules = rules
        self._ca_file = ca_file
        self._seconds = seconds
        self._user_agent = user_agent

    def post(
        self, url: Url, fields: Mapping[str, str], body: bytes, *, keep: int = 0
    ) -> Answered | TryFailed:
        """Send a body; return the response, or why there was none.

        With `keep`, also the body of the response, which may have at most so many bytes.
        """
        deadline = time.monotonic() + self._seconds
        if self._rules is not None and (refused := urls.refusal(url, self._rules)) is not None:
            return TryFailed(*refused, lasting=True)
        found = self._look_up(url)
        if isinstance(found, TryFailed):
            return found
        left = deadline - time.monotonic()
        if left <= 0:
            return _too_late(self._seconds)
        request = _Request(
            url, self._user_agent, None if self._rules is None else SsrfGuard(self._rules), keep
        )
        try:
            request.prepare(found, fields, body, left, self._ca_file)
            return request.perform(self._seconds)
        finally:
            request.curl.close()

    def _look_up(self, url: Url) -> tuple[str, ...] | TryFailed:
        """Return the addresses to connect to; under rules every one of them is checked."""
        answers: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
        try:
            found = self._resolver.resolve(url.host, url.port, answers.put) or answers.get(
                timeout=self._seconds
            )
        except queue.Empty:
            return TryFailed(FailureCode.DNS, f"{url.host} could not be looked up in time")
        if found.error is not None:
            return TryFailed(FailureCode.DNS, found.error)
        if self._rules is not None and not self._rules.permits_all(found.addresses):
            return _refused(url)
        return found.addresses


class _Request:
    """One request on a handle of its own. libcurl's callbacks only collect and check."""

    def __init__(self, url: Url, user_agent: str, guard: SsrfGuard | None, keep: int) -> None:
        self.curl = pycurl.Curl()
        keep_to_the_request(self.curl, user_agent)
        self._url = url
        self._guard = guard
        self._lines: list[bytes] = []
        self._head_left = MOST_HEAD
        self._keep = keep
        self._kept = bytearray()
        self._body_left = keep or MOST_BODY
        self._stopped_by: TryFailed | None = None

    def prepare(
        self,
        addresses: tuple[str, ...],
        fields: Mapping[str, str],
        body: bytes,
        seconds: float,
        ca_file: str | None,
    ) -> None:
        """Set all options."""
        option, url = self.curl.setopt, self._url
        option(pycurl.URL, url.text)
        option(pycurl.REQUEST_TARGET, url.target)
        option(pycurl.POSTFIELDS, body)
        # An empty field is left out: the body is sent without asking first (100-continue).
        option(pycurl.HTTPHEADER, ["Expect:", *(f"{name}: {fields[name]}" for name in fields)])
        option(pycurl.TIMEOUT_MS, max(1, int(seconds * 1000)))
        option(pycurl.FORBID_REUSE, 1)
        if not url.is_address:
            option(pycurl.RESOLVE, pin(url.host, url.port, addresses))
        if ca_file is not None:
            option(pycurl.CAINFO, ca_file)
        option(pycurl.HEADERFUNCTION, self._on_header)
        option(pycurl.WRITEFUNCTION, self._on_body)
        if self._guard is not None:
            option(pycurl.OPENSOCKETFUNCTION, self._on_open)
            option(pycurl.PREREQFUNCTION, self._on_request)

    def perform(self, seconds: float) -> Answered | TryFailed:
        """Send the request; return the response, or why there was none."""
        broken = None
        try:
            self.curl.perform()
        except pycurl.error as error:
            number = error.args[0]
            late = number == pycurl.E_OPERATION_TIMEDOUT
            broken = _too_late(seconds) if late else faults.broken(number)
        if self._stopped_by is not None:
            return self._stopped_by
        if self._keep and broken is not None:
            return broken
        try:
            return _answered(parse(self._lines), bytes(self._kept))
        except HeadInvalid as error:
            detail = f"the response is not valid: {error}"
            return broken or TryFailed(FailureCode.BAD_RESPONSE, detail)

    def _on_header(self, line: bytes) -> int | None:
        self._head_left -= len(line)
        if self._head_left < 0:
            detail = f"the response header is larger than {MOST_HEAD:,} bytes"
            self._stopped_by = TryFailed(FailureCode.BAD_RESPONSE, detail)
            return 0
        self._lines.append(line)
        return None

    def _on_body(self, data: bytes) -> int | None:
        self._body_left -= len(data)
        if self._body_left >= 0:
            self._kept += data if self._keep else b""
            return None
        if self._keep:
            detail = f"the response is larger than {self._keep:,} bytes"
            self._stopped_by = TryFailed(FailureCode.BAD_RESPONSE, detail)
        return 0

    def _on_open(self, _purpose: int, address: pycurl.CurlSockAddr) -> NewSocket | int:
        assert self._guard is not None  # noqa: S101 - it is set only where there is one
        try:
            if self._guard.may_open(address.addr[0], address.family):
                return NewSocket(address)
            self._stopped_by = _refused(self._url)
        except OSError as error:
            detail = f"this machine could not open a connection: {error.strerror}"
            self._stopped_by = TryFailed(FailureCode.CONNECT, detail)
        return _NO_SOCKET

    def _on_request(self, peer: str, _local: str, _peer_port: int, _local_port: int) -> int:
        assert self._guard is not None  # noqa: S101 - as above
        if self._guard.may_ask(peer):
            return _PREREQ_OK
        self._stopped_by = _refused(self._url)
        return _PREREQ_ABORT


def _answered(head: Head, body: bytes) -> Answered:
    sent_at = head.sent_at or time.time()
    return Answered(head.status, retry_after(head.fields.get("retry-after"), sent_at), body)


def _refused(url: Url) -> TryFailed:
    return TryFailed(*urls.address_refused(url.host), lasting=True)


def _too_late(seconds: float) -> TryFailed:
    return TryFailed(FailureCode.TIMEOUT, f"the receiver did not respond within {seconds:g} s")
