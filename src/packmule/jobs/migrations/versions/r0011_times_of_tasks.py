"""When a task's times were written, which shows that the clock was set back since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of earlier tasks it is unknown."""
    op.add_column("tasks", sa.Column("written_at", sa.Double))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("tasks", "written_at")
