"""The fleet's clock is the database's, whatever this machine's says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.postgres import DatabaseClock

from packmule.jobs import database
from packmule.jobs.shared_clock import ASK_EVERY, SharedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def db(postgres_with_tables: str) -> Iterator[Engine]:
    engine = database.connect(postgres_with_tables)
    yield engine
    engine.dispose()


def test_the_databases_time_is_told_and_counted_on_between_two_questions(
    db: Engine, postgres_with_tables: str
) -> None:
    of_database, steady = DatabaseClock(postgres_with_tables), FakeClock()
    clock = SharedClock(db, steady=steady)
    assert clock() == pytest.approx(of_database())
    steady.advance(10.0)
    assert clock() == pytest.approx(of_database() + 10.0)
    of_database.advance(7200.0)
    steady.advance(ASK_EVERY)
    assert clock() == pytest.approx(of_database())


def test_time_goes_on_while_the_database_is_away(db: Engine, postgres_with_tables: str) -> None:
    of_database, steady = DatabaseClock(postgres_with_tables), FakeClock()
    clock = SharedClock(db, steady=steady)
    began = clock()
    nowhere = database.connect("postgresql://packmule@127.0.0.1:1/none")
    clock._database = nowhere
    steady.advance(ASK_EVERY + 5.0)
    assert clock() == pytest.approx(began + ASK_EVERY + 5.0)
    assert began == pytest.approx(of_database())
