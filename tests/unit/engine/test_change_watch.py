"""How a waiting worker learns that the database has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.engine.change_watch import Poll, watching

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_a_commit_of_another_connection_is_seen_once(db: Engine) -> None:
    with watching(db) as watch:
        assert watch.changed()
        assert not watch.changed()
        with db.begin() as connection:
            connection.exec_driver_sql("DELETE FROM tasks")
            connection.exec_driver_sql(
                "INSERT INTO tasks (kind, key, priority, due_at, tries) VALUES ('a', 'b', 0, 0, 0)"
            )
            assert not watch.changed()
        assert watch.changed()
        assert not watch.changed()


def test_watching_does_not_hold_a_transaction_open(db: Engine) -> None:
    with watching(db) as watch:
        watch.changed()
        with db.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO tasks (kind, key, priority, due_at, tries) VALUES ('a', 'b', 0, 0, 0)"
            )
        with db.connect() as connection:
            connection.rollback()
            busy, *_ = (
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            )
        assert busy == 0


def test_where_nothing_tells_of_changes_one_looks_each_time() -> None:
    watch = Poll()
    assert watch.changed()
    assert watch.changed()
