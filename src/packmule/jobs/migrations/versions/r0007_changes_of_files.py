"""When each file of a job has changed, so that changes can be told as they come.

The index of those that failed holds the state, so that it is chosen whatever columns there are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FAILED = sa.text("state = 'failed'")
_CHANGED = sa.text("version IS NOT NULL")


def upgrade() -> None:
    """Add the column, and the index that leads to what has changed since."""
    op.add_column("files", sa.Column("version", sa.BigInteger))
    op.create_index(
        "files_changed",
        "files",
        ["job_id", "version", "position"],
        sqlite_where=_CHANGED,
        postgresql_where=_CHANGED,
    )
    op.drop_index("files_failed", "files")
    op.create_index(
        "files_failed",
        "files",
        ["job_id", "position", "state"],
        sqlite_where=_FAILED,
        postgresql_where=_FAILED,
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_index("files_failed", "files")
    op.create_index(
        "files_failed",
        "files",
        ["job_id", "position"],
        sqlite_where=_FAILED,
        postgresql_where=_FAILED,
    )
    op.drop_index("files_changed", "files")
    op.drop_column("files", "version")
