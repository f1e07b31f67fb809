"""The database that holds jobs and tasks: how it is opened, written and read.

Owns the connection's properties and the translation of the driver's errors; leaves what is kept
to `schema.py`, its versions to `upgrading.py`, and PostgreSQL's own ways to `postgres.py`. The laws
of SQLite:

- WAL with synchronous=FULL: a commit that has returned survives a power cut (with NORMAL it does
  not, https://www.sqlite.org/pragma.html#pragma_synchronous), and readers never wait for writers.
- A transaction that writes begins IMMEDIATE: one that begins as a reader and writes later is
  refused at once where another has written meanwhile, whatever the busy timeout
  (https://www.sqlite.org/lang_transaction.html 2.2). So every transaction is a writer unless it is
  opened by `reading`.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolExhausted

from packmule.errors import DatabaseAway, DiskFull, SettingInvalid, StorageFailed
from packmule.jobs import postgres
from packmule.jobs.database_reserve import DatabaseReserve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

# How long a writer waits for another before it gives up, in seconds: far more than any takes.
BUSY_SECONDS = 30.0

# How long readiness waits for one.
CHECK_SECONDS = 2.0

# An API process answers from 40 threads; a connection to a file costs little, a wait for one much.
_POOL = {"pool_size": 16, "max_overflow": 48}

_TURN = "packmule_turn"
_READS = "packmule_reads"
_RESERVE = "packmule_reserve"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

# What these say is no fault of the database, but of the program that speaks to it.
_OUR_BUGS = (IntegrityError, ProgrammingError, DataError)


def connect(url: str) -> Engine:
    """Open the database of that URL (`sqlite:///path` or `postgresql://…`), made where missing.

    Fit for several threads, and with SQLite for several processes of one machine. Its errors never
    show a statement's values. Raises SettingInvalid, StorageFailed, DiskFull.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingInvalid(
            "The database URL is not understood; it looks like sqlite:///path/to/packmule.db "
            "or postgresql://user:password@host/name."
        ) from error
    match parsed.get_backend_name():
        case "sqlite":
            return _connect_sqlite(parsed)
        case "postgresql":
            return postgres.connect(parsed)
        case other:
            raise SettingInvalid(
                f"A {other} database is not supported; use sqlite:///path or postgresql://…"
            )


def _connect_sqlite(url: URL) -> Engine:
    """Open a database file, in WAL mode from its first byte on."""
    if not url.database or url.database == ":memory:":
        raise SettingInvalid("A database in memory forgets its jobs; use sqlite:///path/to/file.")
    path = Path(url.database).absolute()
    _make_folder(path.parent)
    _use_wal(path)
    engine = create_engine(
        url.set(database=str(path)),
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS},
        **_POOL,
    )
    engine.update_execution_options(**{_TURN: Lock(), _RESERVE: DatabaseReserve(path)})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        kind = DiskFull if error.errno in _NO_ROOM else StorageFailed
        raise kind(f"The database's folder could not be made: {reason}.") from error


def _use_wal(path: Path) -> None:
    """Turn WAL on, which the file remembers.

    Two processes that do so at once on a new file get SQLITE_BUSY, which here does not wait for
    the busy timeout: so this waits by itself.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise _translated(error) from error
            time.sleep(0.01)
        else:
            return


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    """Set what SQLite forgets with each connection; transactions are begun by `_begin` alone."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes; committed at the end, undone at an exception."""
    reserve = _reserve_of(engine)
    if reserve is not None:
        reserve.release_if_full()
    with _translating(engine), _turn(engine), engine.begin() as connection:
        yield connection


def _reserve_of(engine: Engine) -> DatabaseReserve | None:
    reserve: DatabaseReserve | None = engine.get_execution_options().get(_RESERVE)
    return reserve


def take_reserve(engine: Engine) -> None:
    """Set disk space aside for a SQLite database; to be called now and then."""
    reserve = _reserve_of(engine)
    if reserve is not None:
        reserve.take()


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Make the writers of this process wait for each other before they wait for SQLite's lock.

    SQLite polls, less often the longer one waits: among many, whoever has just come gets the lock,
    and one that has waited long waits on. So only one of a process asks at a time. None waits here
    for longer than SQLite would let it.
    """
    turn: Lock | None = engine.get_execution_options().get(_TURN)
    held = turn is not None and turn.acquire(timeout=BUSY_SECONDS)
    try:
        yield
    finally:
        if turn is not None and held:
            turn.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads: it sees one moment, and waits for no writer."""
    options: dict[str, Any] = {_READS: True}
    if engine.dialect.name == "postgresql":
        options |= postgres.READ_ONE_MOMENT
    with _translating(engine), engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def _translating(engine: Engine) -> Iterator[None]:
    try:
        yield
    except _OUR_BUGS as error:
        if postgres.lacks_privilege(error.orig):
            raise postgres.translated(error.orig) from error
        raise
    except PoolExhausted as error:
        raise DatabaseAway("All connections to the job database are in use.") from error
    except DBAPIError as error:
        if engine.dialect.name == "postgresql":
            raise postgres.translated(error.orig) from error
        raise _translated(error.orig) from error


def check_writable(engine: Engine) -> None:
    """Take the right to write, and give it back. Raises StorageFailed, DiskFull.

    Waits for another writer at most `CHECK_SECONDS`, as who asks wants to know it now.
    """
    with (
        _translating(engine),
        engine.connect().execution_options(**{_READS: True}) as connection,
    ):
        if engine.dialect.name != "sqlite":
            postgres.check_writable(connection)
            return
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(CHECK_SECONDS * 1000)}")
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise StorageFailed(
                    f"another writer has held the job database for {CHECK_SECONDS:g} seconds"
                ) from error
            raise _translated(error) from error
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            cursor.close()


def _translated(error: BaseException | None) -> DiskFull | StorageFailed:
    """Turn the driver's error into ours; the driver's word may be shown, no value ever is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return DiskFull("The disk is full: the job database could not be written.")
    if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
        return StorageFailed(f"The job database was busy for {BUSY_SECONDS:.0f} seconds.")
    reason = f" ({error})" if code is not None else ""
    return StorageFailed(f"The job database cannot be used{reason}; the log says more.")
