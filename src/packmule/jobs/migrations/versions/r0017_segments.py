"""Which bytes of an open entry are written further on, where several transfers bring it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a file under way fills it with its next checkpoint."""
    op.add_column("files", sa.Column("segments", sa.Text))


def downgrade() -> None:
    """Drop it: what was written further on is fetched again."""
    op.drop_column("files", "segments")
