"""The parts of archives that go to a bucket while they are assembled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_COLUMNS = (("recorded_by", sa.Integer), ("upload", sa.Text), ("parts_begun", sa.Integer))


def upgrade() -> None:
    """Add the columns, and make the table."""
    for name, kind in _COLUMNS:
        op.add_column("jobs", sa.Column(name, kind))
    op.create_table(
        "parts",
        sa.Column(
            "job_id",
            _ROW_ID,
            sa.ForeignKey("jobs.id", name="parts_job", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("extents", sa.Text, nullable=False),
        sa.Column("etag", sa.Text),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them: what was uploaded is fetched again."""
    op.drop_table("parts")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("jobs", name)
