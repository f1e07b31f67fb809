"""The tables: jobs, their files and parts, messages, tasks of the embedded engine, host claims.

Owns columns, keys and indexes, alike on SQLite and PostgreSQL; `migrations` makes them, and a test
holds the two equal. Instants are seconds since the epoch (a double keeps microseconds until the
year 2100). What the words mean stands in `model.py`, `webhook/messages.py` and
`engine/interface.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite numbers rows by itself only where the key's type is exactly INTEGER.
ROW_ID = BigInteger().with_variant(Integer, "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("hash", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    # Drawn at random for each attempt: numbers come again after a fail-over that lost commits.
    Column("run_token", String(32)),
    # Runs in a row that came no further than those before, and how far those came.
    Column("fruitless_runs", Integer, nullable=False, server_default=text("0")),
    Column("progress_mark", BigInteger, nullable=False, server_default=text("0")),
    Column("priority", Integer, nullable=False),
    Column("client", Text, nullable=False),
    Column("name", Text),
    Column("on_error", String(16), nullable=False),
    Column("on_html", String(16), nullable=False, server_default=text("'report'")),
    Column("compression", String(16), nullable=False),
    # Null: the archive is not split.
    Column("max_part_bytes", BigInteger),
    Column("manifest", String(16), nullable=False, server_default=text("'none'")),
    Column("webhook_url", Text),
    Column("expires_in", Double),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("expires_at", Double),
    Column("files_total", Integer, nullable=False),
    Column("files_done", Integer, nullable=False),
    Column("files_failed", Integer, nullable=False),
    Column("bytes_done", BigInteger, nullable=False),
    Column("bytes_total", BigInteger),
    # An estimate of it, while it is null.
    Column("bytes_expected", BigInteger),
    Column("bytes_per_second", Double, nullable=False),
    # Files that wait for their next try, as JSON; null where none does.
    Column("waiting", Text),
    Column("tail", BigInteger, nullable=False),
    Column("size", BigInteger),
    Column("etag", Text),
    Column("failure_code", String(32)),
    Column("failure_detail", Text),
    Column("failure_http_status", Integer),
    Column("failure_attempts", Integer),
    Column("idempotency_key", Text),
    Column("request_digest", String(64)),
    # Whether a client wants the archive now, with what is packed; null: no.
    Column("finishing", Boolean),
    # False once the links of an ended job were dropped, because its client has too many.
    Column("has_links", Boolean),
    # Which attempt has recorded the last checkpoint: in its scratch lies what is not uploaded.
    Column("recorded_by", Integer),
    # The same, if its program left alone what failed files keep: an earlier release overwrites it.
    Column("kept_by", Integer),
    # The storage's name for the parts of the archive, and the highest number given to one.
    Column("upload", Text),
    # Since when, and why, the job waits for the object store; null where it does not.
    Column("storage_wait_since", Double),
    Column("storage_wait_reason", Text),
    Column("parts_begun", Integer),
    # One more at each change: what a long poll waits for, and an event's id.
    Column("version", BigInteger, nullable=False),
    UniqueConstraint("hash", name="jobs_hash"),
    UniqueConstraint("client", "idempotency_key", name="jobs_idempotency"),
    # How many are in each state, and the newest of them, without a look at any row. One for each
    # state: the planner would take one for all where another serves better.
    *(
        Index(
            f"jobs_{state}",
            "state",
            "id",
            sqlite_where=text(f"state = '{state}'"),
            postgresql_where=text(f"state = '{state}'"),
        )
        for state in ("queued", "running", "completed", "failed", "cancelled", "expired")
    ),
    Index(
        "jobs_waiting_for_storage",
        "id",
        sqlite_where=text("storage_wait_since IS NOT NULL"),
        postgresql_where=text("storage_wait_since IS NOT NULL"),
    ),
    # What a client has open and holds, and its list of jobs, of each state the newest first.
    Index("jobs_by_client", "client", "state", "id"),
    Index(
        "jobs_by_end",
        "finished_at",
        sqlite_where=text("state = 'expired'"),
        postgresql_where=text("state = 'expired'"),
    ),
    Index(
        "jobs_by_expiry",
        "expires_at",
        sqlite_where=text("state IN ('failed', 'completed', 'cancelled')"),
        postgresql_where=text("state IN ('failed', 'completed', 'cancelled')"),
    ),
)

files = Table(
    "files",
    metadata,
    Column(
        "job_id",
        ROW_ID,
        ForeignKey("jobs.id", name="files_job", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
    Column("wanted", Text),
    # What the caller says of the file, as JSON.
    Column("expected", Text),
    Column("state", String(16), nullable=False, server_default=text("'pending'")),
    Column("name", Text),
    # Where the entry's place begins in the archive; `offset` is a keyword of SQL.
    Column("place", BigInteger),
    Column("header_size", Integer),
    Column("method", Integer),
    # 32 bits without a sign: more than PostgreSQL's integer.
    Column("crc", BigInteger),
    Column("written", BigInteger),
    # What else of an open entry is written, as JSON; null where it grows from its beginning only.
    Column("segments", Text),
    Column("size", BigInteger),
    Column("compressed_size", BigInteger),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("content_type", Text),
    Column("modified_at", BigInteger),
    Column("warning", String(32)),
    # What a manifest tells of a file that is done, as JSON.
    Column("receipt", Text),
    Column("attempts", Integer),
    Column("failure_code", String(32)),
    Column("failure_detail", Text),
    Column("failure_http_status", Integer),
    # Of a failed file that keeps its place and bytes: this row's version then. Any other version
    # means that it keeps nothing.
    Column("kept_at", BigInteger),
    # The job's version at the last change of this row: whoever follows a job asks by it.
    Column("version", BigInteger),
    Index(
        "files_changed",
        "job_id",
        "version",
        "position",
        sqlite_where=text("version IS NOT NULL"),
        postgresql_where=text("version IS NOT NULL"),
    ),
    # With the state, or SQLite would have to look at the row for it: how it weighs such an index
    # against the primary key hangs on the number of columns.
    Index(
        "files_failed",
        "job_id",
        "position",
        "state",
        sqlite_where=text("state = 'failed'"),
        postgresql_where=text("state = 'failed'"),
    ),
    Index(
        "files_warned",
        "job_id",
        "position",
        sqlite_where=text("warning IS NOT NULL"),
        postgresql_where=text("warning IS NOT NULL"),
    ),
    # A job's rows lie together in the order they are read, and are stored once, not twice.
    sqlite_with_rowid=False,
)

# The parts in which an archive goes to a bucket while it is assembled; none once it is there.
parts = Table(
    "parts",
    metadata,
    Column(
        "job_id",
        ROW_ID,
        ForeignKey("jobs.id", name="parts_job", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Ranges of the scratch, like 0-100,250-300.
    Column("extents", Text, nullable=False),
    # Null until the storage has it.
    Column("etag", Text),
    sqlite_with_rowid=False,
)

# The complete parts of a split archive, numbered as they were completed.
archive_parts = Table(
    "archive_parts",
    metadata,
    Column(
        "job_id",
        ROW_ID,
        ForeignKey("jobs.id", name="archive_parts_job", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The job's version when it was completed.
    Column("version", BigInteger, nullable=False),
    # Which area of places it was made of (`split_places.py`), and so what the storage calls it.
    Column("area", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("etag", Text, nullable=False),
    # The caller's files in it, and whether it says which files are missing.
    Column("files", Integer, nullable=False),
    Column("has_report", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("client", Text, nullable=False, server_default=text("''")),
    Column("priority", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("leased_by", Text),
    Column("lease_expires_at", Double),
    # Drawn at random each time a worker takes the task: no two leases are the same.
    Column("lease_token", Text),
    # When `due_at` or `lease_expires_at` was written: in the future if the clock was set back.
    Column("written_at", Double),
    # Of one subject at most one task waits and at most one is leased.
    Index(
        "tasks_waiting",
        "kind",
        "key",
        unique=True,
        sqlite_where=text("leased_by IS NULL"),
        postgresql_where=text("leased_by IS NULL"),
    ),
    Index(
        "tasks_leased",
        "kind",
        "key",
        unique=True,
        sqlite_where=text("leased_by IS NOT NULL"),
        postgresql_where=text("leased_by IS NOT NULL"),
    ),
    Index(
        "tasks_in_turn",
        "kind",
        "client",
        "priority",
        "due_at",
        "id",
        sqlite_where=text("leased_by IS NULL"),
        postgresql_where=text("leased_by IS NULL"),
    ),
    Index(
        "tasks_by_due",
        "due_at",
        sqlite_where=text("leased_by IS NULL"),
        postgresql_where=text("leased_by IS NULL"),
    ),
    Index(
        "tasks_by_expiry",
        "lease_expires_at",
        sqlite_where=text("leased_by IS NOT NULL"),
        postgresql_where=text("leased_by IS NOT NULL"),
    ),
    # An id is never given twice: the oldest of two is the smaller.
    sqlite_autoincrement=True,
)

# What each worker has claimed of a host, and how long hosts are to be left alone; the row without a
# host says when the worker was last seen.
host_claims = Table(
    "host_claims",
    metadata,
    Column("worker", String(32), primary_key=True),
    # Like https://example.org:443.
    Column("host", Text, primary_key=True),
    Column("transfers", Integer, nullable=False),
    Column("is_wanted", Boolean, nullable=False),
    Column("paused_until", Double),
    Column("seen_at", Double, nullable=False),
)

# Each revision of these tables, and which one a program must know to work with it; null: any.
schema_revisions = Table(
    "schema_revisions",
    metadata,
    Column("revision", String(32), primary_key=True),
    Column("needs", String(32)),
)

# Archives in the storage that are no job's, and when that was first found.
orphans = Table(
    "orphans",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("seen_at", Double, nullable=False),
)

# What webhooks are told; a waiting one has a task of the engine, whose key is its name.
messages = Table(
    "messages",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("name", String(40), nullable=False),
    Column("hash", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    # Null: the operator's, which the settings name.
    Column("url", Text),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("tried_at", Double),
    Column("next_at", Double),
    Column("ended_at", Double),
    Column("http_status", Integer),
    Column("detail", Text),
    # How often it was replayed: a try of an earlier round says nothing about this one.
    Column("round", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("name", name="messages_name"),
    Index("messages_of_job", "hash", "id"),
    Index("messages_in_state", "state", "id"),
    Index(
        "messages_by_end",
        "ended_at",
        sqlite_where=text("ended_at IS NOT NULL"),
        postgresql_where=text("ended_at IS NOT NULL"),
    ),
)
