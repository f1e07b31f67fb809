"""Which revisions a database has seen, and what a program must know to work with each of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; whoever upgrades fills it."""
    op.create_table(
        "schema_revisions",
        sa.Column("revision", sa.String(32), primary_key=True),
        sa.Column("needs", sa.String(32)),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("schema_revisions")
