"""What is remembered of jobs that are over is bounded: in time, and in links for each client.

Owns the rhythm of both. A job that has expired is a row without links, which says what became of
it; that row goes when it is `keep` seconds old. The links of ended jobs are kept for their status
and a retry; of a client that has more than `most_links` of them, the oldest jobs' go first.
"""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from packmule.engine.interface import Later
from packmule.jobs.model import JobState
from packmule.telemetry.context import about

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from packmule.jobs.store import JobStore

_log = logging.getLogger(__name__)

EVERY = 600.0
"""Seconds between two looks."""


class RecordBounds:
    """Deletes old records and links; a part of the task `expire`.

    `let_go` expires a job, and has its bytes removed.
    """

    def __init__(
        self, store: JobStore, let_go: Callable[[str], None], *, keep: float, most_links: int
    ) -> None:
        self._store = store
        self._let_go = let_go
        self._keep = keep
        self._most_links = most_links
        self._due_at = -math.inf

    def sweep(self, _key: str, stop: Event) -> Later:
        """Delete what is too old or too much where a look is due; look again after a pause."""
        now = time.monotonic()
        if now < self._due_at:
            return Later(self._due_at - now)
        self._due_at = now + EVERY
        deleted = 0
        while some := self._store.delete_expired(self._keep):
            deleted += some
            if stop.is_set():
                return Later(0.0)
        if deleted:
            _log.info("records deleted number=%d", deleted)
        for client in self._store.clients_with_links_above(self._most_links):
            if stop.is_set():
                return Later(0.0)
            self._bound_links(client)
        return Later(EVERY)

    def _bound_links(self, client: str) -> None:
        """Let the newest jobs of a client keep their links; drop those of the others.

        A completed job keeps its archive, and what its status tells of failures. A failed one has
        nothing but what a retry needs, so it expires.
        """
        kept = 0
        for job in self._store.ended_with_links(client):
            kept += job.links
            if kept <= self._most_links:
                continue
            with about(job=job.hash):
                if job.state is JobState.COMPLETED:
                    self._store.forget_links(job.id)
                    _log.info("links of completed job dropped links=%d", job.links)
                else:
                    _log.info("failed job expired early links=%d", job.links)
                    self._let_go(job.hash)
