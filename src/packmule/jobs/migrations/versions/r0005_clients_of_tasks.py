"""On whose behalf a task is, so that clients can take turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WAITING = sa.text("leased_by IS NULL")


def upgrade() -> None:
    """Add the column, and the index that leads from one client to the next."""
    op.add_column(
        "tasks", sa.Column("client", sa.Text, nullable=False, server_default=sa.text("''"))
    )
    op.execute(
        "UPDATE tasks SET client = jobs.client FROM jobs "
        "WHERE jobs.hash = tasks.key AND tasks.kind = 'build'"
    )
    op.drop_index("tasks_in_order", "tasks")
    op.create_index(
        "tasks_in_turn",
        "tasks",
        ["kind", "client", "priority", "due_at", "id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )


def downgrade() -> None:
    """Order by priority alone again."""
    op.drop_index("tasks_in_turn", "tasks")
    op.create_index("tasks_in_order", "tasks", ["kind", sa.text("priority DESC"), "due_at", "id"])
    op.drop_column("tasks", "client")
