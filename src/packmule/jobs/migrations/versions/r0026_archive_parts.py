"""How large the parts of a split archive may be, and which are complete."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them."""
    op.add_column("jobs", sa.Column("max_part_bytes", sa.BigInteger))
    op.create_table(
        "archive_parts",
        sa.Column(
            "job_id",
            _ROW_ID,
            sa.ForeignKey("jobs.id", name="archive_parts_job", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("area", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("has_report", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them: what is split is no archive any more."""
    op.drop_table("archive_parts")
    op.drop_column("jobs", "max_part_bytes")
