"""`python -m bench.job_records`: what the record of a job that is over takes up, and its deletion.

On SQLite and PostgreSQL alike: records are copied from one, measured, and deleted in batches as the
clean-up does it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import TYPE_CHECKING

from sqlalchemy import text
from tests.fakes.jobs import no_defer, request
from tests.fakes.postgres_server import PostgresServer

from packmule.engine.procrastinate_schema import prepare
from packmule.jobs.database import connect, reading, writing
from packmule.jobs.schema import jobs
from packmule.jobs.store import JobStore
from packmule.jobs.upgrading import upgrade

if TYPE_CHECKING:
    from sqlalchemy import Engine

NUMBER = 20_000

_COPIED = ", ".join(column.name for column in jobs.columns if column.name not in {"id", "hash"})
_FILL = {
    "postgresql": f"""
        INSERT INTO jobs (hash, {_COPIED})
        SELECT md5(random()::text), {_COPIED} FROM jobs, generate_series(1, {NUMBER})
    """,  # noqa: S608 - all of it is ours
    "sqlite": f"""
        WITH RECURSIVE numbers (n) AS (
            SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {NUMBER})
        INSERT INTO jobs (hash, {_COPIED})
        SELECT lower(hex(randomblob(16))), {_COPIED} FROM jobs, numbers
    """,  # noqa: S608 - all of it is ours
}
_SIZE = {
    "postgresql": "SELECT pg_total_relation_size('jobs')",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
}


def measure(db: Engine) -> str:
    """Measure in a new database, and put what came of it into a line."""
    kind = db.dialect.name
    upgrade(db, in_same_transaction=prepare if kind == "postgresql" else None)
    store = JobStore(db)
    hash_ = store.create(request(client="address:203.0.113.7", name="holiday.zip"), defer=no_defer)
    store.delete(hash_)
    before = _size(db)
    with writing(db) as connection:
        connection.execute(text(_FILL[kind]))
    size = (_size(db) - before) / NUMBER
    began = time.perf_counter()
    longest, deleted = 0.0, 0
    while True:
        batch_began = time.perf_counter()
        number = store.delete_expired(-1.0)
        longest = max(longest, time.perf_counter() - batch_began)
        deleted += number
        if not number:
            break
    rate = deleted / (time.perf_counter() - began)
    return (
        f"{kind}: {size:.0f} bytes a record; {rate:,.0f} deleted a second, "
        f"the longest batch in {longest * 1000:.0f} ms"
    )


def _size(db: Engine) -> int:
    with reading(db) as connection:
        return int(connection.execute(text(_SIZE[db.dialect.name])).scalar_one())


def main() -> None:
    """Measure both databases."""
    with tempfile.TemporaryDirectory() as folder, PostgresServer(durable=True) as server:
        for url in (f"sqlite:///{folder}/packmule.db", server.create("records")):
            db = connect(url)
            sys.stdout.write(f"{measure(db)}\n")
            db.dispose()


if __name__ == "__main__":
    main()
