"""Trying the storage at the start of a process, without waiting for a store that says nothing.

Owns the patience. The object store's client tries eight times, a minute each, where connections are
taken and not answered; a service that waited for that would not start.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from packmule.errors import StorageAway

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds for the whole trial."""


def try_storage(probe: Callable[[], None], *, patience: float = PATIENCE) -> None:
    """Try the storage, and log why it cannot be used while it is away.

    The service starts all the same: jobs wait for the store, and statuses can be asked for. Raises
    what the trial does if something else is wrong, unless that takes longer than `patience`.
    """
    wrong: list[Exception] = []

    def run() -> None:
        try:
            probe()
        except StorageAway as error:
            _log.error("storage not usable reason=%s", error)
        except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
            wrong.append(error)

    trial = threading.Thread(target=run, name="storage-trial", daemon=True)
    trial.start()
    trial.join(patience)
    if trial.is_alive():
        _log.error("storage not usable reason=no answer within %.0f seconds", patience)
    elif wrong:
        raise wrong[0]
