"""What the operator does with jobs on the command line: the stores, and changes beside the service.

Owns that nothing is made or migrated by looking: a database that is not there, or is of another
version, is refused. Whatever is changed goes through the same transactions as the API's changes, so
the service may run meanwhile.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from packmule.errors import UsageError
from packmule.jobs.commands import JobCommands
from packmule.jobs.database import connect
from packmule.jobs.upgrading import require_current
from packmule.wiring.stores import open_stores
from packmule.wiring.webhooks import announcer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.jobs.model import Job, OnError
    from packmule.settings import Settings
    from packmule.wiring.stores import Stores


@contextmanager
def open_for_operator(settings: Settings) -> Iterator[Stores]:
    """Open the service's stores. Raises UsageError where there are none, StorageFailed."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise UsageError(
            f"There is no job database {url.database}: set PACKMULE_DATA_DIR (or "
            "PACKMULE_DATABASE_URL) as it is set for the service."
        )
    database = connect(settings.database_url)
    try:
        require_current(database)
    finally:
        database.dispose()
    with open_stores(settings) as stores:
        yield stores


def cancel(settings: Settings, stores: Stores, hash_: str) -> Job:
    """Cancel a job, as the API does. Raises NotFound, NotAllowedInState."""
    return _commands(settings, stores).cancel(hash_)


def retry(settings: Settings, stores: Stores, hash_: str, on_error: OnError | None) -> Job:
    """Queue a failed job again, as the API does. Raises NotFound, NotAllowedInState."""
    return _commands(settings, stores).retry(hash_, on_error)


def finish(settings: Settings, stores: Stores, hash_: str) -> Job:
    """Complete a job with what is packed, as the API does. Raises as `retry`."""
    return _commands(settings, stores).finish(hash_)


def _commands(settings: Settings, stores: Stores) -> JobCommands:
    announce = announcer(settings, stores).announce
    return JobCommands(stores.jobs, stores.enqueue, announce, stores.storage.remove)
