"""Carry out the outcome of a try: finish, follow a redirect, retry later, or fail.

Owns the limits that span several tries or sources: a source's total time, its host's retry budget,
and a host that is given up. Leaves the outcome itself to `transfer.py`, a host's health to
`host_health.py`, the order of fetches to `fetch_scheduler.py`, and libcurl to `transfer_loop.py`.
Runs in the transfer loop's thread.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from packmule.errors import Failure, FailureCode
from packmule.outbound import transfer
from packmule.outbound.bucket_places import located
from packmule.outbound.contact_wanted import advised
from packmule.outbound.expired_links import explained
from packmule.outbound.fetch_scheduler import jittered
from packmule.outbound.host_health import HostSignal, host_signal
from packmule.outbound.locations import read_location
from packmule.outbound.outcomes import Fail, Finished, Follow, Retry
from packmule.outbound.receiver import BodyRefused
from packmule.outbound.segment_outcomes import SegmentOutcomes
from packmule.outbound.urls import UrlInvalid, refusal
from packmule.telemetry.metrics import BYTES_FETCHED, RETRIES, SEGMENTS, TRANSFERS

if TYPE_CHECKING:
    from packmule.outbound.addresses import AddressRules
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.fetch_scheduler import FetchScheduler
    from packmule.outbound.host_health import HostHealth
    from packmule.outbound.job_queue import JobQueue
    from packmule.outbound.outcomes import After, TryFailed
    from packmule.outbound.transfer import Limits

_log = logging.getLogger(__name__)


class OutcomeHandler:
    """Carries out the outcomes of tries."""

    def __init__(self, scheduler: FetchScheduler, limits: Limits, rules: AddressRules) -> None:
        self._scheduler = scheduler
        self._limits = limits
        self._rules = rules
        self._finished = self._came = 0
        self.segments = SegmentOutcomes(scheduler)

    def end(
        self,
        queue: JobQueue,
        fetch: Fetch,
        error: TryFailed | Exception | None,
        after: After | None = None,
        *,
        answered: bool = False,
        page: bytes = b"",
    ) -> None:
        """Carry out the outcome of a try; its fetch no longer has a handle.

        `after` is the outcome if the head alone decided it, `answered` whether a head came, `page`
        the first bytes of a body that was not wanted.
        """
        host = fetch.host
        assert host is not None  # noqa: S101 - the scheduler set it
        self._scheduler.give_back(queue, fetch)
        if answered and after is None:
            self._came += max(0, fetch.kept - fetch.state.kept)
        if fetch.lane is not None:
            goes_on = self.segments.ended(fetch, host, error, after, answered=answered)
            if goes_on is None:
                return
            fetch, error, after = goes_on
        self._conclude(queue, fetch, host, error, after, answered=answered, page=page)

    def _conclude(
        self,
        queue: JobQueue,
        fetch: Fetch,
        host: HostHealth,
        error: TryFailed | Exception | None,
        after: After | None,
        *,
        answered: bool,
        page: bytes,
    ) -> None:
        kept = fetch.receiver.kept
        try:
            if isinstance(error, Exception):
                raise error  # noqa: TRY301 - a callback stored it, so that it is handled here
            if after is None:
                if error is not None and host.has_answered:
                    error = error._replace(enough=None)
                fetch.state, after = transfer.conclude(
                    fetch.state, kept, error, self._limits, has_ended=fetch.receiver.has_ended
                )
            if isinstance(after, Finished):
                host.served(fetch.spent, time.monotonic())
                if fetch.host_key[0] == "https":
                    host.protocol.saw(fetch.state.total or kept)
                fetch.receiver.finish()
                self._finished += 1
                self.segments.forget(fetch)
            else:
                self.segments.undivide_if_distrusted(fetch)
                self._carry_out(queue, fetch, after, answered=answered, page=page)
        except BodyRefused as refused:
            attempts = refused.failure.attempts or fetch.state.attempts
            TRANSFERS.inc("failed")
            self.fail(fetch, replace(refused.failure, attempts=attempts))
        except Exception as unexpected:  # noqa: BLE001 - reported to the receiver, and logged
            TRANSFERS.inc("failed")
            _log.exception("transfer failed unexpectedly", extra=queue.about)
            self.fail(fetch, internal(unexpected, fetch))

    def fail(self, fetch: Fetch, failure: Failure) -> None:
        """Report to a source's receiver that it has failed for good."""
        self.segments.forget(fetch)
        try:
            fetch.receiver.fail(failure)
        except Exception:  # noqa: BLE001 - the loop must outlive it
            _log.exception("failure report rejected by its receiver")

    def drop(self, queue: JobQueue, fetch: Fetch) -> None:
        """End a try whose job has been removed."""
        self._scheduler.give_back(queue, fetch)

    def count(self) -> None:
        """Add the tries that have ended to the metrics; all at once, as there are many."""
        if self._finished:
            TRANSFERS.inc("finished", by=self._finished)
            self._finished = 0
        if self._came:
            BYTES_FETCHED.inc(by=self._came)
            self._came = 0

    def stop(self, queue: JobQueue, fetch: Fetch, came: int) -> None:
        """End a try in the middle, after `came` bytes: its job has been removed."""
        TRANSFERS.inc("stopped")
        BYTES_FETCHED.inc(by=came)
        self.drop(queue, fetch)

    def count_stopped(self, came: int) -> None:
        """Count the transfer of a segment that was stopped in the middle, after `came` bytes."""
        SEGMENTS.inc("stopped")
        BYTES_FETCHED.inc(by=came)

    def avoid_http2(self, fetch: Fetch | None) -> None:
        """Use HTTP/1.1 for this host from now on: it offers nothing else, or HTTP/2 failed."""
        if fetch is not None and fetch.host is not None:
            fetch.host.protocol.refuse()

    def may_begin(self, queue: JobQueue, fetch: Fetch, now: float) -> bool:
        """Start a source's clock with its first try; return False if it has failed already."""
        fetch.began = now
        if fetch.deadline is None:
            fetch.deadline = now + self._limits.seconds
        lost = queue.lost.get(fetch.host_key) if queue.lost else None
        if lost is not None:
            self.drop(queue, fetch)
            self.fail(fetch, replace(lost, attempts=fetch.state.attempts))
            return False
        if fetch.is_late(now, self._limits.seconds):
            self.drop(queue, fetch)
            self.fail(fetch, self._late(fetch))
            return False
        return True

    def _carry_out(
        self, queue: JobQueue, fetch: Fetch, after: After, *, answered: bool, page: bytes
    ) -> None:
        word = host_signal(after, answered=answered)
        match after:
            case Follow(location):
                self._note(fetch, word)
                self._follow(queue, fetch, location)
                TRANSFERS.inc("redirected")
            case Retry():
                self._retry(queue, fetch, after, word)
            case Fail(failure, busy, enough):
                if busy:
                    self._give_up(fetch, failure, time.monotonic())
                else:
                    self._note(fetch, word, failure, enough=enough)
                TRANSFERS.inc("failed")
                told = advised(located(failure, page), page)
                self.fail(fetch, explained(told, fetch.asked, page, time.time()))

    def _retry(self, queue: JobQueue, fetch: Fetch, retry: Retry, word: HostSignal) -> None:
        cause = retry.cause
        wait = retry.delay if retry.named_by_origin else None
        host = self._note(fetch, word, cause, wait=wait, enough=retry.enough)
        until = time.monotonic() + (retry.delay if retry.named_by_origin else jittered(retry.delay))
        if retry.busy:
            until = max(host.not_before, until if retry.named_by_origin else 0.0)
        lost = queue.lost.get(fetch.host_key)
        again = False
        if lost is not None:
            self.fail(fetch, replace(lost, attempts=fetch.state.attempts))
        elif word is HostSignal.FALTERED and not host.pay():
            detail = f"{cause.detail}; not retried because its host fails too often"
            self.fail(fetch, replace(cause, detail=detail))
        elif fetch.is_late(until, self._limits.seconds):
            self.fail(fetch, self._late(fetch, cause))
        else:
            fetch.spent += word is HostSignal.FALTERED
            fetch.receiver.rest()
            fetch.receiver.postpone(cause, time.time() + until - time.monotonic())
            fetch.state = fetch.state._replace(kept=fetch.receiver.kept)
            fetch.ask(fetch.url)
            self._scheduler.later(queue, fetch, until)
            again = True
            RETRIES.inc(cause.code.value)
        TRANSFERS.inc("retried" if again else "failed")

    def _note(
        self,
        fetch: Fetch,
        word: HostSignal,
        cause: Failure | None = None,
        *,
        wait: float | None = None,
        enough: int | None = None,
    ) -> HostHealth:
        """Pass a signal to the host's health; if that gives it up, all who wait for it fail."""
        host = self._scheduler.host(fetch.host_key)
        now = time.monotonic()
        match word:
            case HostSignal.ANSWERED:
                host.answered()
            case HostSignal.FALTERED:
                host.falter(now, fetch.began)
            case HostSignal.SILENT if cause is not None:
                said = cause.http_status is not None
                silent = host.fall_silent(
                    fetch.began, now, rank=fetch.rank, answered=said, enough=enough
                )
                if silent:
                    tries = min(self._limits.attempts, enough or self._limits.attempts)
                    where = "for this file or others on the same host"
                    detail = f"{cause.detail} ({tries} times in a row, {where})"
                    self._give_up(fetch, replace(cause, detail=detail), host.failing_since)
            case HostSignal.BUSY if cause is not None:
                if host.pause(fetch.began, now, wait, rank=fetch.rank):
                    most = self._limits.longest_retry_after
                    detail = f"{cause.detail}; its host has been too busy for {most:,.0f} s"
                    lost = replace(cause, detail=f"{detail}: retry later")
                    self._give_up(fetch, lost, host.failing_since)
        return host

    def _give_up(self, fetch: Fetch, lost: Failure, since: float) -> None:
        """Fail all that wait for a host that has been failing since then."""
        _log.info("host given up host=%s code=%s", fetch.asked.host, lost.code.value)
        for other in self._scheduler.give_up(fetch.host_key, lost, since):
            self.fail(other, replace(lost, attempts=other.state.attempts))

    def _follow(self, queue: JobQueue, fetch: Fetch, location: str) -> None:
        attempts = fetch.state.attempts
        try:
            url = read_location(fetch.asked, location, max_length=self._limits.max_url_length)
        except UrlInvalid as error:
            detail = f"it redirects to an invalid address: {error.detail}"
            raise BodyRefused(Failure(FailureCode.REDIRECTS, detail, attempts=attempts)) from error
        refused = refusal(url, self._rules)
        if refused is not None:
            code, detail = refused
            raise BodyRefused(Failure(FailureCode(code), detail, attempts=attempts))
        fetch.ask(url)
        queue.push(fetch, first=True)

    def _late(self, fetch: Fetch, cause: Failure | None = None) -> Failure:
        detail = f"the file was not complete after {fetch.time_for(self._limits.seconds):g} s"
        if cause is not None:
            detail = f"{detail}; last error: {cause.detail}"
        return Failure(FailureCode.TIMEOUT, detail, attempts=fetch.state.attempts)


def internal(error: Exception, fetch: Fetch) -> Failure:
    """Return the failure for an unexpected exception, whose traceback is in the log."""
    detail = f"internal error ({type(error).__name__}); see the server's log"
    return Failure(FailureCode.INTERNAL, detail, attempts=fetch.state.attempts)
