"""PostgreSQL as the job database: how it is reached, and what its refusals mean.

Owns the connection's properties and the meaning of the server's error codes; leaves transactions to
`database.py`. Nothing is set for a session and no statement is prepared on the server, so that the
connections may be a pooler's that hands out another one for each transaction (PgBouncer's
`pool_mode = transaction`). The law: https://www.postgresql.org/docs/current/errcodes-appendix.html
and, for what a dead network costs, https://www.postgresql.org/docs/current/libpq-connect.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, func, select

from packmule.errors import DatabaseAway, DatabaseRefused, DiskFull, StorageFailed

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine import ExceptionContext

# One pool a process. Each connection is a process of the server: so few are kept, and few at most.
POOL_KEPT = 5
POOL_MOST = 20

# Seconds for a connection to be made, and for one to become free.
_CONNECT_SECONDS = 5
_POOL_SECONDS = 15.0

# A server that is gone without a word is noticed after 15 to 20 seconds, not after hours.
_REACH = {
    "connect_timeout": _CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

# A transaction's, not a session's: a process that freezes, or is cut off, with locked rows
# releases them before others would take over its jobs.
_LET_GO = "SET LOCAL idle_in_transaction_session_timeout = '10s'"

# An execution option's worth: one moment for all that is read, and no write by mistake.
READ_ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_DISK_FULL = "53100"
_ONLY_READS = "25006"
# What is over in a moment: connections lost or too many, deadlocks, waits cut short, shutdowns, a
# server that only reads because another takes its place, and a transaction that was idle too long.
_FOR_NOW = ("08", _ONLY_READS, "25P03", "40", "53", "55P03", "57")
_NO_PRIVILEGE = "42501"
_AWAY = "The job database does not answer for now; try again in a moment."

# Of a connection that was not made, libpq has the server's words and no code. In another language
# than English they are taken for those of a database that is away.
_REFUSALS = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "is not permitted to log in",
    "permission denied for database",
    "does not support SSL",
    "certificate verify failed",
)


def connect(url: URL) -> Engine:
    """Open the database; nothing is sent before the first transaction."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        isolation_level="READ COMMITTED",  # said at each BEGIN, whatever the server's default is
        pool_pre_ping=True,
        pool_size=POOL_KEPT,
        max_overflow=POOL_MOST - POOL_KEPT,
        pool_timeout=_POOL_SECONDS,
        pool_use_lifo=True,
        connect_args=connect_arguments(url),
    )
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _leave_a_standby)
    return engine


def _leave_a_standby(context: ExceptionContext) -> None:
    """Count connections to a server that has come to only read as lost: another writes now."""
    if getattr(context.original_exception, "sqlstate", None) == _ONLY_READS:
        context.is_disconnect = True


def _begin(connection: Connection) -> None:
    """Bound how long a transaction that may lock rows waits for us."""
    if not connection.get_execution_options().get("postgresql_readonly", False):
        connection.exec_driver_sql(_LET_GO)


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return the connection parameters for libpq; what the URL says itself comes first."""
    ours = {**_REACH, "application_name": "packmule"}
    return {k: v for k, v in ours.items() if k not in url.query} | {"prepare_threshold": None}


def check_writable(connection: Connection) -> None:
    """Raise DatabaseAway where the server only reads for now: it stands by for another."""
    if connection.execute(select(func.pg_is_in_recovery())).scalar_one():
        connection.engine.dispose()  # so that the next look finds who writes now
        raise DatabaseAway("The job database only reads for now; it stands by for another.")


def lacks_privilege(error: BaseException | None) -> bool:
    """Return whether the server refused a statement for want of a privilege."""
    return getattr(error, "sqlstate", None) == _NO_PRIVILEGE


def translated(error: BaseException | None) -> DatabaseAway | DiskFull | StorageFailed:
    """Turn the driver's error into ours: the server's code is shown, no value ever is.

    Without a code the server has not spoken: the connection was not made, or was lost.
    """
    code = getattr(error, "sqlstate", None)
    if code == _DISK_FULL:
        return DiskFull("The database's disk is full: the job could not be written.")
    if code is None:
        reason = " ".join(str(error).split())
        is_refusal = any(words in reason for words in _REFUSALS)
        return (DatabaseRefused if is_refusal else DatabaseAway)(_AWAY, reason)
    if code.startswith(_FOR_NOW):
        return DatabaseAway(_AWAY, f"SQLSTATE {code}")
    if lacks_privilege(error):
        return StorageFailed(
            "The job database does not let Packmule's user create or change tables. Make the user "
            "the database's owner, or grant it the schema: GRANT CREATE, USAGE ON SCHEMA public "
            "TO its_name."
        )
    return StorageFailed(f"The job database refused (SQLSTATE {code}); the log says more.")
