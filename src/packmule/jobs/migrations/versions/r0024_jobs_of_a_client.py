"""One index finds a client's jobs in each state, in place of two that had only some states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_BEFORE = {
    "jobs_open_by_client": "state IN ('queued', 'running')",
    "jobs_held_by_client": "state IN ('queued', 'running', 'failed', 'completed')",
}


def upgrade() -> None:
    """Make it."""
    op.create_index("jobs_by_client", "jobs", ["client", "state", "id"])
    for name in _BEFORE:
        op.drop_index(name, "jobs")


def downgrade() -> None:
    """Make the two again."""
    for name, condition in _BEFORE.items():
        where = sa.text(condition)
        op.create_index(name, "jobs", ["client"], sqlite_where=where, postgresql_where=where)
    op.drop_index("jobs_by_client", "jobs")
