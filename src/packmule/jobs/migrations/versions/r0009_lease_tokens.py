"""The token of each lease of a task, which says whose run of it counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a task that is leased has none, and gets one with its next lease."""
    op.add_column("tasks", sa.Column("lease_token", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("tasks", "lease_token")
