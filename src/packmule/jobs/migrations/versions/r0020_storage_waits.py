"""Since when, and why, a job waits for the object store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_IS_WAITING = sa.text("storage_wait_since IS NOT NULL")


def upgrade() -> None:
    """Add the columns, and an index of the few jobs that wait."""
    op.add_column("jobs", sa.Column("storage_wait_since", sa.Double))
    op.add_column("jobs", sa.Column("storage_wait_reason", sa.Text))
    op.create_index(
        "jobs_waiting_for_storage",
        "jobs",
        ["id"],
        sqlite_where=_IS_WAITING,
        postgresql_where=_IS_WAITING,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("jobs_waiting_for_storage", "jobs")
    op.drop_column("jobs", "storage_wait_reason")
    op.drop_column("jobs", "storage_wait_since")
