"""The token of each run, by which the database tells it from every other one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a run of an earlier version is known by its attempt alone."""
    op.add_column("jobs", sa.Column("run_token", sa.String(32)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("jobs", "run_token")
