"""What came in place of a file that was packed all the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
# A program that does not know it reads and writes the column that is dropped here.
needs = "0012"


def upgrade() -> None:
    """Put a code in the place of the mark that the file is a page."""
    op.add_column("files", sa.Column("warning", sa.String(32)))
    op.execute("UPDATE files SET warning = 'html-page' WHERE html_page")
    op.drop_column("files", "html_page")
    where = sa.text("warning IS NOT NULL")
    op.create_index(
        "files_warned", "files", ["job_id", "position"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    """Put the mark back; other codes are lost."""
    op.drop_index("files_warned", "files")
    op.add_column("files", sa.Column("html_page", sa.Boolean))
    op.execute("UPDATE files SET html_page = TRUE WHERE warning = 'html-page'")
    op.drop_column("files", "warning")
