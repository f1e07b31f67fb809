"""How many runs of a job ended without progress."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; earlier runs do not count."""
    for name, kind in (("fruitless_runs", sa.Integer), ("progress_mark", sa.BigInteger)):
        column = sa.Column(name, kind, nullable=False, server_default=sa.text("0"))
        op.add_column("jobs", column)


def downgrade() -> None:
    """Drop them."""
    op.drop_column("jobs", "progress_mark")
    op.drop_column("jobs", "fruitless_runs")
