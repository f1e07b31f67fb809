"""Indexes by which jobs are counted and listed, one for each state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATES = ("queued", "running", "completed", "failed", "cancelled", "expired")


def upgrade() -> None:
    """Make them."""
    for state in _STATES:
        where = sa.text(f"state = '{state}'")
        op.create_index(
            f"jobs_{state}", "jobs", ["state", "id"], sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    """Drop them."""
    for state in _STATES:
        op.drop_index(f"jobs_{state}", "jobs")
