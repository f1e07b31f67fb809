"""What `packmule migrate` does, and the first process of a service before anything else.

Owns the order: files are made private, storage is tried, then the tables are upgraded. Where they
are up to date, what would upgrade them is not even imported: that takes half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.jobs.revision import is_up_to_date
from packmule.storage.privacy import make_private
from packmule.wiring.archives import open_storage
from packmule.wiring.storage_trial import try_storage

if TYPE_CHECKING:
    from packmule.settings import Settings


def migrate(settings: Settings) -> None:
    """Bring the job database up to this program's version, and see that storage can be written.

    What an earlier version left readable for others is made private. A database that is away is
    waited for. Raises UsageError where the database is of a newer program; StorageFailed, DiskFull.
    """
    database_file = settings.data_dir / "packmule.db"
    make_private(
        settings.data_dir,
        [database_file.with_name(f"{database_file.name}{end}") for end in ("", "-wal", "-shm")],
        shared=settings.sendfile is not None,
    )
    try_storage(open_storage(settings).probe)
    if not is_up_to_date(settings.database_url):
        _upgrade(settings.database_url)


def _upgrade(database_url: str) -> None:
    from packmule.jobs.database import connect, take_reserve  # noqa: PLC0415
    from packmule.jobs.upgrading import upgrade  # noqa: PLC0415
    from packmule.wiring.database_wait import when_reachable  # noqa: PLC0415
    from packmule.wiring.engines import tables_of_the_engine  # noqa: PLC0415

    database = connect(database_url)
    try:
        when_reachable(
            lambda: upgrade(database, in_same_transaction=tables_of_the_engine(database))
        )
        take_reserve(database)
    finally:
        database.dispose()
