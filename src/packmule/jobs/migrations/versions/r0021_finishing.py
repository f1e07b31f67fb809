"""Whether a job is to be completed now, with what is packed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("jobs", sa.Column("finishing", sa.Boolean))


def downgrade() -> None:
    """Drop it: a job that was to be completed now fetches the rest."""
    op.drop_column("jobs", "finishing")
