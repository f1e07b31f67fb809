"""What Alembic runs for a command: all steps in the transaction that the caller has begun.

SQLite undoes DDL like everything else once BEGIN is really sent, which `database.connect` sees to:
so a step that fails leaves the tables as they were. Alembic by itself would not believe it.
"""

from __future__ import annotations

from alembic import context

from packmule.jobs.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
