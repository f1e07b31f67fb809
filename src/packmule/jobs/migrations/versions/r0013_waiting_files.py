"""Which files of a running job wait for their next try, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a running job fills it with its next checkpoint."""
    op.add_column("jobs", sa.Column("waiting", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("jobs", "waiting")
