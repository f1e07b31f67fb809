"""The first tables: jobs, files, tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them."""
    _make_jobs()
    _make_files()
    _make_tasks()


def downgrade() -> None:
    """Drop them, and all jobs with them."""
    op.drop_table("tasks")
    op.drop_table("files")
    op.drop_table("jobs")


def _partial_index(
    name: str, table: str, columns: list[str], where: str, *, unique: bool = False
) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("hash", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("on_error", sa.String(16), nullable=False),
        sa.Column("compression", sa.String(16), nullable=False),
        sa.Column("webhook_url", sa.Text),
        sa.Column("expires_in", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("expires_at", sa.Double),
        sa.Column("files_total", sa.Integer, nullable=False),
        sa.Column("files_done", sa.Integer, nullable=False),
        sa.Column("files_failed", sa.Integer, nullable=False),
        sa.Column("bytes_done", sa.BigInteger, nullable=False),
        sa.Column("bytes_total", sa.BigInteger),
        sa.Column("bytes_per_second", sa.Double, nullable=False),
        sa.Column("tail", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("etag", sa.Text),
        sa.Column("failure_code", sa.String(32)),
        sa.Column("failure_detail", sa.Text),
        sa.Column("failure_http_status", sa.Integer),
        sa.Column("failure_attempts", sa.Integer),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("hash", name="jobs_hash"),
        sa.UniqueConstraint("client", "idempotency_key", name="jobs_idempotency"),
    )
    _partial_index("jobs_open_by_client", "jobs", ["client"], "state IN ('queued', 'running')")
    _partial_index(
        "jobs_by_expiry", "jobs", ["expires_at"], "state IN ('failed', 'completed', 'cancelled')"
    )


def _make_files() -> None:
    op.create_table(
        "files",
        sa.Column(
            "job_id",
            _ROW_ID,
            sa.ForeignKey("jobs.id", name="files_job", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text),
        sa.Column("state", sa.String(16), nullable=False, server_default=sa.text("'pending'")),
        sa.Column("name", sa.Text),
        sa.Column("place", sa.BigInteger),
        sa.Column("header_size", sa.Integer),
        sa.Column("method", sa.Integer),
        sa.Column("crc", sa.BigInteger),
        sa.Column("written", sa.BigInteger),
        sa.Column("size", sa.BigInteger),
        sa.Column("compressed_size", sa.BigInteger),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("content_type", sa.Text),
        sa.Column("modified_at", sa.BigInteger),
        sa.Column("attempts", sa.Integer),
        sa.Column("failure_code", sa.String(32)),
        sa.Column("failure_detail", sa.Text),
        sa.Column("failure_http_status", sa.Integer),
        sqlite_with_rowid=False,
    )
    _partial_index("files_failed", "files", ["job_id", "position"], "state = 'failed'")


def _make_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("leased_by", sa.Text),
        sa.Column("lease_expires_at", sa.Double),
        sqlite_autoincrement=True,
    )
    _partial_index("tasks_waiting", "tasks", ["kind", "key"], "leased_by IS NULL", unique=True)
    _partial_index("tasks_leased", "tasks", ["kind", "key"], "leased_by IS NOT NULL", unique=True)
    op.create_index("tasks_in_order", "tasks", ["kind", sa.text("priority DESC"), "due_at", "id"])
    _partial_index("tasks_by_due", "tasks", ["due_at"], "leased_by IS NULL")
    _partial_index("tasks_by_expiry", "tasks", ["lease_expires_at"], "leased_by IS NOT NULL")
