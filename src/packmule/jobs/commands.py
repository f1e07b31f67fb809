"""What clients and operators do with a job that exists: cancel, retry or finish it.

Owns what belongs together in each of these changes, for the API and the command line alike. Leaves
the change of state to the job store; queue, webhooks and storage are passed in, since nothing here
may know them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.errors import StorageFailed
from packmule.jobs.quota import UNLIMITED, Quota
from packmule.jobs.store import ALL_AGAIN, JobStore
from packmule.telemetry.context import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from packmule.jobs.model import Job, OnError, Renewal
    from packmule.jobs.transitions import InSameTransaction

    Enqueue = Callable[[Connection, str, int, str], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobCommands:
    """Cancels, retries and finishes jobs.

    `enqueue(connection, hash, priority, client)` puts a job's task into the caller's transaction,
    `announce(connection, job)` what webhooks are to be told of it. `remove(hash)` removes what was
    stored of a job, complete parts included.
    """

    store: JobStore
    enqueue: Enqueue
    announce: InSameTransaction
    remove: Callable[[str], None]

    def cancel(self, hash_: str) -> Job:
        """Cancel a job in progress; again changes nothing. Raises NotFound, NotAllowedInState."""
        job = self.store.cancel(hash_, in_same_transaction=self.announce)
        # A cancelled job is never resumed. A run that has not heard of it yet writes on, for
        # a moment, to a file that nobody sees.
        try:
            self.remove(hash_)
        except StorageFailed as error:
            # The job is cancelled all the same; the sweep of leftovers removes the bytes later.
            with about(job=hash_):
                _log.warning("cancelled job's bytes not removed reason=%s", error)
        return job

    def retry(
        self,
        hash_: str,
        on_error: OnError | None,
        limit: Quota = UNLIMITED,
        renewal: Renewal = ALL_AGAIN,
    ) -> Job:
        """Queue a failed job again, as urgent as before and for the same client.

        Raises NotFound, NotAllowedInState, NotFailedFiles, QuotaExceeded.
        """
        defer = self._defer_as_before(hash_)
        return self.store.retry(hash_, on_error, renewal, defer=defer, limit=limit)

    def finish(self, hash_: str) -> Job:
        """Complete a job now with what is packed. Raises NotFound, NotAllowedInState."""
        return self.store.finish(hash_, defer=self._defer_as_before(hash_))

    def _defer_as_before(self, hash_: str) -> Callable[[Connection, str], None]:
        known = self.store.get(hash_)

        def defer(connection: Connection, queued: str) -> None:
            self.enqueue(connection, queued, known.priority, known.client)

        return defer
