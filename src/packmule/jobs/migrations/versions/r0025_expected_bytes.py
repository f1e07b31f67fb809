"""A job has an estimate of its bytes while some files' lengths are unknown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("jobs", sa.Column("bytes_expected", sa.BigInteger))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("jobs", "bytes_expected")
