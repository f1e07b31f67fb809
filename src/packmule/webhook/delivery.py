"""Webhook delivery: each try is a task of the engine, until the receiver has the message.

Owns one try, from the message's row to the record of its end. The row is the truth, and the task
only a reminder: one that comes too early (after a kill) waits again, one whose message has ended
does nothing. A kill between the receiver's answer and its record makes one more try: a receiver
sees each message once or more, and tells by its id.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packmule.engine.interface import Later
from packmule.errors import FailureCode
from packmule.outbound.outcomes import TryFailed
from packmule.outbound.urls import UrlInvalid, parse
from packmule.telemetry.context import about
from packmule.telemetry.metrics import WEBHOOK_TRIES
from packmule.telemetry.tracing import fail, span
from packmule.webhook.messages import MessageState
from packmule.webhook.retry_schedule import Again, Delivered, RetrySchedule
from packmule.webhook.signing import headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from packmule.outbound.outcomes import Answered
    from packmule.outbound.post import Poster
    from packmule.webhook.messages import Message, MessageStore
    from packmule.webhook.retry_schedule import Verdict
    from packmule.webhook.signing import Secrets

_log = logging.getLogger(__name__)

_CONTENT = {"content-type": "application/json"}

KEEP = 30 * 86_400.0
"""Seconds that a message is kept after its end: so long it can be looked at and replayed."""

CLEANING_PAUSE = 3600.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers messages: the engine's handler of the task of one message.

    `url` is the operator's webhook; `own` sends to URLs that jobs have named, None where they may
    not, `predefined` to the operator's.
    """

    store: MessageStore
    url: str | None
    predefined: Poster
    own: Poster | None
    secrets: Secrets = field(repr=False)
    schedule: RetrySchedule = field(default_factory=RetrySchedule)
    clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random

    def deliver(self, key: str, stop: Event) -> Later | None:
        """Make the try that is due at the message of that name."""
        message = self.store.find(key)
        if message is None or message.state is not MessageState.WAITING:
            return None
        now = self.clock()
        early = (message.next_at or 0.0) - now
        # What was last written in the future was written before the clock was set back: then the
        # engine's own delay, which is over, is all that counts.
        if early > 0 and now >= (message.tried_at or message.created_at):
            return Later(early)
        if stop.is_set():
            return Later(0.0)
        with about(job=message.hash), span("webhook", message.hash, attempt=message.tries + 1):
            verdict = self.schedule.judge(self._send(message), message.tries + 1, self.chance())
            is_recorded = self.store.record(message, verdict)
            _tell(message, verdict)
        if not is_recorded:
            # A replay, or another worker's try, which may have lost the task to us: look again.
            return Later(0.0)
        return Later(verdict.pause) if isinstance(verdict, Again) else None

    def _send(self, message: Message) -> Answered | TryFailed:
        text, poster = self.url, self.predefined
        if message.url is not None:
            if self.own is None:
                return _not_allowed("a job may not name a webhook of its own here any more")
            text, poster = message.url, self.own
        if text is None:
            detail = "PACKMULE_WEBHOOK_URL, to which it was to go, is not set any more"
            return TryFailed(FailureCode.CONNECT, detail)
        try:
            url = parse(text)
        except UrlInvalid as error:
            return TryFailed(FailureCode.URL_INVALID, error.detail)
        body = message.body.encode()
        signed = headers(self.secrets, message.name, int(self.clock()), body)
        return poster.post(url, _CONTENT | signed, body)

    def clean(self, _key: str, stop: Event) -> Later:
        """Delete messages that ended long ago, and look again after a pause."""
        while not stop.is_set() and self.store.forget(KEEP):
            pass
        return Later(CLEANING_PAUSE)


def _not_allowed(detail: str) -> TryFailed:
    return TryFailed(FailureCode.ADDRESS_NOT_ALLOWED, detail, lasting=True)


def _tell(message: Message, verdict: Verdict) -> None:
    """Count a try and log it."""
    tries = message.tries + 1
    match verdict:
        case Delivered():
            WEBHOOK_TRIES.inc("delivered")
            _log.info("webhook delivered kind=%s attempt=%d", message.kind, tries)
        case Again(pause):
            WEBHOOK_TRIES.inc("retried")
            _log.info(
                "webhook failed attempt=%d retry_in=%.0f reason=%s", tries, pause, verdict.detail
            )
            fail("webhook-retried")
        case _:
            WEBHOOK_TRIES.inc("given-up")
            _log.warning("webhook given up message=%s reason=%s", message.name, verdict.detail)
            fail("webhook-given-up")
