"""The limits on requests that the operator can set."""

from __future__ import annotations

from dataclasses import dataclass

from packmule.outbound.share_links import RULES


@dataclass(frozen=True, slots=True)
class RequestBounds:
    """How much a request may ask for; times in seconds.

    `long_polls` bounds the responses that wait at once, over all clients of this process, and
    `event_streams` the open event streams. `job_webhooks` allows a job to name its own webhook,
    and `rewrite_links` are the rules by which share links are rewritten.
    """

    max_urls: int = 10_000
    max_url_length: int = 8192
    rewrite_links: frozenset[str] = frozenset(RULES)
    max_body_bytes: int = 11 * 1024 * 1024
    body_timeout: float = 60.0
    long_polls: int = 256
    event_streams: int = 512
    retention: float = 7 * 86_400.0
    job_webhooks: bool = False
