"""How often each message of a webhook was replayed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; earlier messages begin at their first round."""
    op.add_column(
        "messages", sa.Column("round", sa.Integer, nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("messages", "round")
