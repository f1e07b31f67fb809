"""One reused libcurl handle, and what flows through it during one try.

Owns the options that keep a transfer inside its rules, and libcurl's callbacks. The SSRF guard
(`ssrf_guard.py`) is asked here, in the two hooks that no transfer can bypass: every address before
a connection is made to it, and the peer of every request, also on a reused connection. Leaves when
to start and what an end means to `transfer_loop.py`.

libcurl forbids calls into the handle from its own callbacks, so these only collect and decide.
"""

from __future__ import annotations

import math
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pycurl

from packmule.errors import Failure, FailureCode
from packmule.outbound import cookies, faults, proxy_faults, urls
from packmule.outbound.head import HeadIncomplete, HeadInvalid
from packmule.outbound.head import parse as parse_head
from packmule.outbound.origin_headers import DEFAULT_FIELDS
from packmule.outbound.outcomes import Follow, TakeBody, TryFailed
from packmule.outbound.overlap_check import OverlapCheck, OverlapDiffersError
from packmule.outbound.protocol import NEAR
from packmule.outbound.proxy_options import lead_through
from packmule.outbound.receiver import BodyRefused
from packmule.outbound.response_waits import says_it_counts
from packmule.outbound.segments import (
    LEAST_SLOW,
    Refusal,
    judge_segment,
    may_split,
    segment_fields,
)
from packmule.outbound.ssrf_guard import NewSocket, SsrfGuard, keep_to_the_request
from packmule.outbound.ssrf_guard import pin as pinned
from packmule.outbound.transfer import OVERLAP_DIFFERS, is_redirect, judge, range_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.egress_proxy import EgressProxy
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.head import Head
    from packmule.outbound.host_health import HostHealth
    from packmule.outbound.job_queue import JobQueue
    from packmule.outbound.lane import Lane
    from packmule.outbound.origin_headers import OriginHeaders
    from packmule.outbound.outcomes import After
    from packmule.outbound.rate_limiter import RateLimits, SharedRate
    from packmule.outbound.transfer import Limits, TransferState

BUFFER_BYTES = 1024 * 1024
_LEAST_BUFFER = 1024  # the least that libcurl takes
_A_BLOCK = 0.01
"""Seconds of a limited rate that one block may bring."""
_KEPT_OF_DISCARDED = 4096
_READ_OF_DISCARDED = 256 * 1024
_PREREQ_OK, _PREREQ_ABORT = 0, 1
_PAUSE: int = pycurl.WRITEFUNC_PAUSE
_NO_SOCKET: int = pycurl.SOCKET_BAD
_BLANK, _CLOSE = (b"\r\n", b"\n"), (b"Connection: close",)


class TransferHandle:
    """Runs one try of one source at a time."""

    def __init__(
        self,
        rules: AddressRules,
        limits: Limits,
        *,
        connect_timeout: float,
        ca_file: str | None,
        user_agent: str,
        rates: RateLimits,
        opened: Callable[[int, int], int],
        on_large: Callable[[TransferHandle, float], None],
        proxy: EgressProxy | None = None,
        origin_headers: OriginHeaders | None = None,
    ) -> None:
        self._origin_headers = origin_headers or {}
        self._guard = SsrfGuard(rules, proxied=proxy is not None)
        self._proxy = proxy
        self._on_large = on_large
        self._limits = limits
        self._rates = rates
        self._rate_limit: SharedRate | None = None
        self._buffer_bytes = BUFFER_BYTES
        self.curl = pycurl.Curl()
        self.queue: JobQueue | None = None
        self.fetch: Fetch | None = None
        self.host: HostHealth | None = None
        self.lines: list[bytes] = []
        self.write: Callable[[memoryview], bool] | None = None
        self.after: After | None = None
        self.stopped_by: TryFailed | BodyRefused | Exception | None = None
        self.discarded = bytearray()
        self.discarded_bytes = 0
        self.overlap: OverlapCheck | None = None
        self.paused = False
        self.held_until = math.inf
        self.held_since = 0.0
        self.window_start = 0.0
        self.window_moved = 0
        self.http2 = False
        self._head_left = 0
        self._has_more_fields = False
        self._ignores_length = False
        self._pinned = False
        self._targeted = False
        self._is_fresh = False
        self._has_cookies = False
        self._sets_cookies = False
        keep_to_the_request(self.curl, user_agent)
        if proxy is not None:
            lead_through(self.curl, proxy, ca_file)
        self._set_options(connect_timeout, ca_file, opened)

    def _set_options(
        self, connect_timeout: float, ca_file: str | None, opened: Callable[[int, int], int]
    ) -> None:
        option = self.curl.setopt
        option(pycurl.HEADERFUNCTION, self._on_header)
        option(pycurl.WRITEFUNCTION, self._on_body, use_memoryview=True)
        option(pycurl.OPENSOCKETFUNCTION, self._on_open)
        option(pycurl.SOCKOPTFUNCTION, opened)
        option(pycurl.PREREQFUNCTION, self._on_request)
        option(pycurl.BUFFERSIZE, BUFFER_BYTES)
        option(pycurl.PIPEWAIT, 1)
        option(pycurl.TCP_KEEPALIVE, 1)
        option(pycurl.CONNECTTIMEOUT_MS, int(connect_timeout * 1000))
        option(pycurl.HTTPHEADER, list(DEFAULT_FIELDS))
        cookies.enable(self.curl)
        if ca_file is not None:
            option(pycurl.CAINFO, ca_file)

    def begin(
        self, queue: JobQueue, fetch: Fetch, pin: tuple[str, ...], now: float, *, http2: bool
    ) -> None:
        """Prepare for one try. `pin` are the checked addresses of the host's name."""
        self.queue = queue
        self.fetch = fetch
        self.host = fetch.host
        self.lines.clear()
        self.write = None
        self.stopped_by = None
        if self.after is not None:
            self.after = None
            self.discarded.clear()
            self.discarded_bytes = 0
        self.overlap = None
        self.paused = False
        self.held_until = math.inf
        self._head_left = self._limits.max_head_bytes
        self.window_start = now
        self.window_moved = fetch.state.kept
        self._connect_anew(wanted=False)
        url = fetch.asked
        self._keep_to_rate(url.host)
        self.curl.setopt(pycurl.URL, url.text)
        if self._targeted or "%" in url.target:
            # libcurl writes escapes in upper case, and a signature may cover lower case. Once set,
            # this option cannot be unset.
            is_forwarded = self._proxy is not None and self._proxy.forwards(url.scheme)
            # In absolute form (RFC 9112 3.2.2).
            target = url.text if is_forwarded else url.target
            self.curl.setopt(pycurl.REQUEST_TARGET, target)
            self._targeted = True
        more = self._range_fields(fetch) if fetch.state.kept or fetch.lane is not None else ()
        if fetch.ignores_length is not self._ignores_length:
            self._ignores_length = fetch.ignores_length
            self.curl.setopt(pycurl.IGNORE_CONTENT_LENGTH, int(self._ignores_length))
        if self._ignores_length:
            more += _CLOSE
        fields = self._origin_headers.get(url.origin, DEFAULT_FIELDS)
        has_more = bool(more) or fields is not DEFAULT_FIELDS
        if has_more or self._has_more_fields:
            self.curl.setopt(pycurl.HTTPHEADER, [*fields, *more])
            self._has_more_fields = has_more
        if fetch.cookies or self._has_cookies:
            cookies.put(self.curl, fetch.cookies)
            self._has_cookies = bool(fetch.cookies)
        if http2 is not self.http2:
            version = pycurl.CURL_HTTP_VERSION_2TLS if http2 else pycurl.CURL_HTTP_VERSION_1_1
            self.curl.setopt(pycurl.HTTP_VERSION, version)
            self.http2 = http2
        if pin or self._pinned:
            addresses = pinned(url.host, url.port, pin) if pin else []
            self.curl.setopt(pycurl.RESOLVE, addresses)
            self._pinned = bool(pin)

    def repeat(self, now: float) -> None:
        """Prepare for the same request once more, on a new connection."""
        self.window_start = now
        self._connect_anew(wanted=True)

    def _connect_anew(self, *, wanted: bool) -> None:
        if wanted is not self._is_fresh:
            self._is_fresh = wanted
            self.curl.setopt(pycurl.FRESH_CONNECT, int(wanted))

    def _range_fields(self, fetch: Fetch) -> tuple[bytes, ...]:
        """Return the request fields that ask for a segment, or for the rest of a file."""
        if fetch.lane is None:
            return range_fields(fetch.state, self._limits)
        segment = fetch.lane.segment
        return segment_fields(fetch.state, segment.kept, segment.stop)

    def _keep_to_rate(self, host: str) -> None:
        """Choose the rate's bound, and blocks so small that each is a moment of it."""
        self._rate_limit = self._rates.of(host)
        size = BUFFER_BYTES
        if self._rate_limit is not None:
            size = min(size, max(_LEAST_BUFFER, int(self._rate_limit.rate * _A_BLOCK)))
        if size != self._buffer_bytes:
            self.curl.setopt(pycurl.BUFFERSIZE, size)
            self._buffer_bytes = size

    @property
    def is_held(self) -> bool:
        """Return whether it waits for its rate, and not for room."""
        return self.held_until < math.inf

    def may_go_on(self, now: float) -> bool:
        """Return whether a held transfer may take more now; else it is held for longer."""
        ready_at = now if self._rate_limit is None else self._rate_limit.ready_at(now)
        self.held_until = ready_at if ready_at > now else math.inf
        return ready_at <= now

    def _is_too_fast(self) -> bool:
        """Return whether the next bytes must wait for the rate."""
        if self._rate_limit is None or self.may_go_on(now := time.monotonic()):
            return False
        self.held_since = now
        return True

    def cause(self, number: int, message: str) -> TryFailed:
        """Translate the error that this try has ended with, libcurl's number and message."""
        host = self.fetch.asked.host if self.fetch is not None else ""
        at_proxy = None
        if self._proxy is not None:
            at_proxy = proxy_faults.explain(self.curl, number, self._proxy, host)
        return at_proxy or faults.cause(self.curl, number, message, host)

    def keep_cookies(self) -> None:
        """Keep for the source what cookies this try's responses have set."""
        if self.fetch is not None and self._sets_cookies:
            self.fetch.cookies = cookies.taken(self.curl)
            self._has_cookies = True
        self._sets_cookies = False

    @property
    def is_connection_new(self) -> bool:
        """Return whether this try has made its connection. Not to be called from a callback."""
        return bool(self.curl.getinfo(pycurl.NUM_CONNECTS))

    def note_round_trip(self) -> None:
        """Record how long a new connection took. Not to be called from a callback."""
        choice = None if self.host is None else self.host.protocol
        if choice is None or choice.round_trip <= NEAR or not self.is_connection_new:
            return
        looked_up = self.curl.getinfo(pycurl.NAMELOOKUP_TIME)
        choice.connected(self.curl.getinfo(pycurl.CONNECT_TIME) - looked_up)

    @property
    def moved(self) -> int:
        """Bytes of body that have come so far, for the stall detector."""
        fetch = self.fetch
        seen = 0 if self.overlap is None else self.overlap.seen
        return self.discarded_bytes + seen + (0 if fetch is None else fetch.kept)

    @property
    def came(self) -> int:
        """Bytes of a wanted body that this try has brought. Any thread may read this."""
        fetch = self.fetch
        if fetch is None or self.write is None or self.after is not None:
            return 0
        return max(0, fetch.kept - fetch.state.kept)

    @property
    def wants_nothing(self) -> bool:
        """Return whether the outcome is known already, whatever else comes on the connection."""
        fetch = self.fetch
        if self.after is not None or fetch is None or self.write is None:
            return self.after is not None
        stop = fetch.state.total if fetch.lane is None else fetch.lane.segment.stop
        return stop is not None and fetch.kept == stop

    @property
    def page(self) -> bytes:
        """The first bytes of an unwanted body."""
        return bytes(self.discarded) if self.discarded else b""

    @property
    def speaks_http2(self) -> bool:
        """Return whether the response came by HTTP/2."""
        return bool(self.lines) and self.lines[0].startswith(b"HTTP/2")

    def __repr__(self) -> str:
        fetch = self.fetch
        if fetch is None:
            return "<TransferHandle idle>"
        if self.write is None:
            state = "waiting"
        elif self.after is not None:
            state = f"discarding bytes={self.discarded_bytes}"
        else:
            state = f"{'paused' if self.paused else 'receiving'} bytes={fetch.receiver.kept}"
        return f"<TransferHandle {fetch.asked.label} {state}>"

    @property
    def answered(self) -> bool:
        """Return whether a whole head has come."""
        return self.write is not None

    def _on_header(self, line: bytes) -> int | None:
        """Keep a line of a head, an interim head or trailers, all within one limit."""
        self._head_left -= len(line)
        if self._head_left < 0:
            detail = (
                f"the response header is larger than {self._limits.max_head_bytes:,} bytes "
                "(PACKMULE_MAX_HEAD_BYTES)"
            )
            self.stopped_by = TryFailed(FailureCode.BAD_RESPONSE, detail, lasting=True)
            return 0
        self.lines.append(line)
        if line in _BLANK and self.write is None:
            return self._on_head()
        return None

    def _on_head(self) -> int | None:
        """Judge a head as soon as it ends: its body may never come."""
        try:
            self._judge()
        except HeadIncomplete:
            self._sets_cookies = self._sets_cookies or cookies.are_set(self.lines)
            self.lines.clear()  # an interim response: many of them must not be parsed many times
            self.window_start = time.monotonic()  # and a sign of life
            return None
        except Exception as error:  # noqa: BLE001 - as in _on_body
            self.stopped_by = self.stopped_by or error
        return None if self.stopped_by is None else 0

    def _on_body(self, view: memoryview) -> int | None:
        if self.write is None:  # libcurl saw the end of a head where we did not
            self.stopped_by = _not_valid("its head is not complete")
            return 0
        if self._is_too_fast():
            self.paused = True
            return _PAUSE
        try:
            if self.write(view):
                self.paused = True
                return _PAUSE
            if self.host is not None:
                self.host.came += len(view)
            if self._rate_limit is not None:
                self._rate_limit.take(len(view), time.monotonic())
        except OverlapDiffersError:
            self.stopped_by = OVERLAP_DIFFERS
            return 0
        except Exception as error:  # noqa: BLE001 - libcurl would swallow it; the loop raises it
            self.stopped_by = self.stopped_by or error
            return 0
        return None

    def _judge(self) -> None:
        fetch = self.fetch
        assert fetch is not None  # noqa: S101 - a callback comes only during a try
        try:
            head = parse_head(self.lines)
            self._sets_cookies = self._sets_cookies or cookies.FIELD in head.fields
        except HeadIncomplete:
            raise
        except HeadInvalid as error:
            self.stopped_by = _not_valid(error)
            self.write = self._refuse
            return
        if self._proxy is not None and self._proxy.wants_login(head.status, fetch.asked.scheme):
            self.stopped_by = proxy_faults.WANTS_LOGIN
            self.write = self._refuse
            return
        if head.sent_at is None:
            # A response without a Date was sent when it came (RFC 9110 6.6.1).
            head.fields["date"] = formatdate(usegmt=True)
        if fetch.lane is not None and self._takes_segment(fetch, fetch.lane, head):
            return
        state, verdict = judge(fetch.state, head, self._limits, now=time.time())
        if isinstance(verdict, TakeBody):
            self._take(fetch, head, verdict, state)
        else:
            self.after = verdict.after
            self.write = self._discard
            self.window_start, self.window_moved = time.monotonic(), self.moved
        fetch.state = state
        if isinstance(self.after, Follow) and _has_no_end(head):
            # Whether a body follows is not worth a wait: drop the connection, and go there.
            raise _EnoughDiscardedError

    def _take(self, fetch: Fetch, head: Head, verdict: TakeBody, state: TransferState) -> None:
        start, total, repeated = verdict
        receiver = fetch.receiver
        self.write = self._refuse  # until the receiver has accepted it
        receiver.accept(head, start, total, fetch.asked)
        self.write = receiver.write
        if repeated:
            self._compare_first(repeated)
        now = time.monotonic()
        waited = now - self.window_start
        if self.host is not None:
            self.host.respond(fetch.rank, total, waited)
            self.host.waits.counts_downloads |= says_it_counts(head.fields)
        if total is not None and total >= LEAST_SLOW and may_split(state, head):
            self._on_large(self, self.host.waits.quickest if self.host else waited)
        self.window_start, self.window_moved = now, start

    def _takes_segment(self, fetch: Fetch, lane: Lane, head: Head) -> bool:
        """Return whether a segment's bytes follow; False for what only the file's own try may meet.

        Raises SegmentRefused.
        """
        segment = lane.segment
        refused = judge_segment(fetch.state, segment.kept, segment.stop, head, now=time.time())
        if refused is None:
            segment.expect(head.content_range.end)  # type: ignore[union-attr,arg-type]  # judged
            if lane.is_own:
                fetch.receiver.go_on(segment.start)
            self.write = segment.write
            now = time.monotonic()
            if self.host is not None:
                self.host.respond(fetch.rank, None, now - self.window_start)
            self.window_start, self.window_moved = now, segment.kept
            return True
        is_misfit = refused.refusal is Refusal.MISFIT
        if lane.is_own and (is_redirect(head) or (lane.is_alone and not is_misfit)):
            return False
        self.write = self._refuse
        raise refused

    def _compare_first(self, repeated: int) -> None:
        """Compare so many bytes with what is held before the receiver takes the rest."""
        fetch, limits = self.fetch, self._limits
        assert fetch is not None  # noqa: S101 - a callback comes only during a try
        assert self.write is not None  # noqa: S101 - the receiver's
        self.overlap = OverlapCheck(
            repeated, fetch.receiver.tail, self.write,
            least=limits.least_overlap, most=limits.overlap,
        )  # fmt: skip
        self.write = self.overlap.write

    def _discard(self, view: memoryview) -> bool:
        """Read an unwanted body, unless it is long, so that its connection can be reused."""
        self.discarded += view[: max(0, _KEPT_OF_DISCARDED - len(self.discarded))]
        self.discarded_bytes += len(view)
        if self.discarded_bytes > _READ_OF_DISCARDED:
            raise _EnoughDiscardedError
        return False

    def _refuse(self, _view: memoryview) -> bool:
        raise _EnoughDiscardedError

    def _on_open(self, _purpose: int, address: pycurl.CurlSockAddr) -> NewSocket | int:
        try:
            if self._guard.may_open(address.addr[0], address.family):
                return NewSocket(address)
            self.stopped_by = address_refused(self.fetch)
        except OSError as error:
            self.stopped_by = faults.no_socket(error)
        return _NO_SOCKET

    def _on_request(self, peer: str, _local: str, _peer_port: int, _local_port: int) -> int:
        if self._guard.may_ask(peer):
            return _PREREQ_OK
        self.stopped_by = address_refused(self.fetch)
        return _PREREQ_ABORT


def _has_no_end(head: Head) -> bool:
    """Return whether only the end of the connection ends the body."""
    return head.content_length is None and "transfer-encoding" not in head.fields


class _EnoughDiscardedError(Exception):
    """The rest of an unwanted body is not worth reading: close the connection."""


def _not_valid(why: object) -> TryFailed:
    return TryFailed(FailureCode.BAD_RESPONSE, f"the response is not valid: {why}")


def address_refused(fetch: Fetch | None) -> BodyRefused:
    """Refuse a source for its address: name the host, never the address or its response."""
    host = fetch.asked.host if fetch is not None else "it"
    attempts = fetch.state.attempts if fetch is not None else 0
    return BodyRefused(Failure(*urls.address_refused(host), attempts=attempts))
