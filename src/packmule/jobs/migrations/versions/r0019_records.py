"""How old records are found, whose links are gone, and which archives are no job's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    where = sa.text("state = 'expired'")
    op.create_index(
        "jobs_by_end", "jobs", ["finished_at"], sqlite_where=where, postgresql_where=where
    )
    op.add_column("jobs", sa.Column("has_links", sa.Boolean))
    op.create_table(
        "orphans",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("seen_at", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("orphans")
    op.drop_column("jobs", "has_links")
    op.drop_index("jobs_by_end", "jobs")
