"""What each worker claims of the hosts it fetches from, and which hosts are paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "host_claims",
        sa.Column("worker", sa.String(32), primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("transfers", sa.Integer, nullable=False),
        sa.Column("is_wanted", sa.Boolean, nullable=False),
        sa.Column("paused_until", sa.Double),
        sa.Column("seen_at", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("host_claims")
