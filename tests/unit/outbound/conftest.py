"""A resolver under test: names that a test answers, and a clock that it moves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.names import Names

from packmule.outbound.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def clock() -> FakeClock:
    # A round and small number of seconds, so that sums of fractions are exact enough.
    return FakeClock(datetime.fromtimestamp(1000, UTC))


@pytest.fixture
def names() -> Iterator[Names]:
    server = Names()
    yield server
    for event in server.silent.values():
        event.set()


@pytest.fixture
def make(names: Names, clock: FakeClock) -> Iterator[Callable[..., Resolver]]:
    made: list[Resolver] = []

    def build(**settings: object) -> Resolver:
        made.append(Resolver(names, **{"clock": clock, **settings}))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for resolver in made:
        resolver.close()
