"""Everything that a stranger can write is read or refused, and nothing else; small here.

At full size, led by coverage: `make fuzz` (docs/reliability/fuzzing.md).
"""

from __future__ import annotations

import pytest
from tests.fuzz.parsing import TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_whatever_is_written_is_read_or_refused(target: str) -> None:
    TARGETS[target]()
