"""What becomes of an HTML page where media was announced, and which files were one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns; earlier jobs report, and know of no page."""
    on_html = sa.Column(
        "on_html", sa.String(16), nullable=False, server_default=sa.text("'report'")
    )
    op.add_column("jobs", on_html)
    op.add_column("files", sa.Column("html_page", sa.Boolean))


def downgrade() -> None:
    """Drop them again."""
    op.drop_column("files", "html_page")
    op.drop_column("jobs", "on_html")
