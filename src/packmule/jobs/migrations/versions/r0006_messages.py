"""What webhooks are told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "messages",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("hash", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("tried_at", sa.Double),
        sa.Column("next_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("http_status", sa.Integer),
        sa.Column("detail", sa.Text),
        sa.UniqueConstraint("name", name="messages_name"),
    )
    op.create_index("messages_of_job", "messages", ["hash", "id"])
    op.create_index("messages_in_state", "messages", ["state", "id"])
    ended = sa.text("ended_at IS NOT NULL")
    op.create_index(
        "messages_by_end", "messages", ["ended_at"], sqlite_where=ended, postgresql_where=ended
    )


def downgrade() -> None:
    """Drop it, and all messages that are not delivered yet."""
    op.drop_table("messages")
