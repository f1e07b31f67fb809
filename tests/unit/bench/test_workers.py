"""The benchmark of workers: its verdict follows the figures."""

from __future__ import annotations

import pytest
from bench.workers import Result


@pytest.mark.parametrize(
    ("many", "held"), [((270.0, 100.0, 300.0), True), ((269.0, 500.0, 1.0), False)]
)
def test_the_verdict_is_of_the_medians(many: tuple[float, ...], *, held: bool) -> None:
    result = Result((100.0, 100.0, 1.0), many)
    assert result.held is held
    assert ("not kept" in result.sentence()) is not held
