"""Which failed files keep what came of them, for a retry under another link."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("jobs", sa.Column("kept_by", sa.Integer))
    op.add_column("files", sa.Column("kept_at", sa.BigInteger))


def downgrade() -> None:
    """Drop them: a retry fetches what failed from its beginning."""
    op.drop_column("files", "kept_at")
    op.drop_column("jobs", "kept_by")
