"""How much a client holds is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    condition = sa.text("state IN ('queued', 'running', 'failed', 'completed')")
    op.create_index(
        "jobs_held_by_client",
        "jobs",
        ["client"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("jobs_held_by_client", "jobs")
