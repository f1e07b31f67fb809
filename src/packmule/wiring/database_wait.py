"""Waiting for the job database at the start of a process.

Owns how often it is tried again, and what is said meanwhile. A fleet's machines start in any order:
a process that ended because the database starts later would need somebody to start it again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from packmule.errors import DatabaseAway, DatabaseRefused, StorageFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 10.0


def when_reachable(
    do: Callable[[], None], *, sleep: Callable[[float], object] = time.sleep
) -> None:
    """Do it as soon as the database can be reached; it is done again where it was cut short.

    Raises StorageFailed where the database can be reached and lets nobody in as it is set: that
    does not pass by itself.
    """
    delay = _FIRST_DELAY
    waited = False
    while True:
        try:
            do()
        except DatabaseRefused as error:
            raise StorageFailed(
                f"The job database refused the connection: {error.reason}. "
                "Check PACKMULE_DATABASE_URL."
            ) from error
        except DatabaseAway as error:
            reason = error.reason or str(error)
            _log.warning("database not reachable retry_in=%.1f reason=%s", delay, reason)
            waited = True
            sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)
        else:
            if waited:
                _log.info("database reachable")
            return
