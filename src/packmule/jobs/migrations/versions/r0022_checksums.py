"""What the caller says of each file, and what a manifest tells of those that are done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    none = sa.text("'none'")
    op.add_column("jobs", sa.Column("manifest", sa.String(16), nullable=False, server_default=none))
    op.add_column("files", sa.Column("expected", sa.Text))
    op.add_column("files", sa.Column("receipt", sa.Text))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("files", "receipt")
    op.drop_column("files", "expected")
    op.drop_column("jobs", "manifest")
