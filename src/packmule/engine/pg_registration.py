"""Who a worker is in the fleet's database: its row in Procrastinate, and a token beside it.

Owns the table of those tokens. Procrastinate numbers its workers; a database that was restored, or
a standby that has taken over without the last commits, gives the same number to another one. With
the token a worker finds out that the number is its own no longer, and registers again. The table's
rows go with those of Procrastinate.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from packmule.engine.shared_transaction import at_once

if TYPE_CHECKING:
    from procrastinate.manager import JobManager
    from sqlalchemy import Connection

MAKE_TABLE = text("""
    CREATE TABLE IF NOT EXISTS packmule_queue_workers (
        id bigint PRIMARY KEY, token text NOT NULL)
""")
_ADD = text("""
    INSERT INTO packmule_queue_workers (id, token) VALUES (:id, :token)
    ON CONFLICT (id) DO UPDATE SET token = excluded.token
""")
_FORGET = text("""
    DELETE FROM packmule_queue_workers
    WHERE NOT EXISTS (
        SELECT 1 FROM procrastinate_workers AS worker WHERE worker.id = packmule_queue_workers.id)
""")
_IS_OURS = text("""
    SELECT EXISTS (
        SELECT 1 FROM procrastinate_workers JOIN packmule_queue_workers USING (id)
        WHERE id = :id AND token = :token)
""")


class Registration(NamedTuple):
    """A worker's number in Procrastinate, and the token that says that it is this worker's."""

    id: int
    token: str

    def is_valid(self, connection: Connection) -> bool:
        """Return whether the database still knows this very worker by that number."""
        return bool(connection.execute(_IS_OURS, self._asdict()).scalar_one())


def register(connection: Connection, jobs: JobManager) -> Registration:
    """Register a worker, in the transaction in which `jobs` works too."""
    new = Registration(at_once(jobs.register_worker()), secrets.token_hex(16))
    connection.execute(_FORGET)
    connection.execute(_ADD, new._asdict())
    return new
