"""The table of source faults: each file is right or its failure is named, in bounded time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.judging import PLAYED, played
from tests.faults.scripts import SCRIPTS
from tests.faults.table import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.table import Case


def test_every_case_of_the_table_has_its_origin() -> None:
    assert sorted(SCRIPTS) == sorted(case.fault for case in CASES)


@pytest.mark.parametrize(
    ("case", "size"), PLAYED, ids=[f"{case.fault}-{size}" for case, size in PLAYED]
)
def test_a_source_fault_ends_in_the_right_bytes_or_a_named_failure(
    case: Case, size: int, tmp_path: Path
) -> None:
    assert played(case, size, tmp_path) == "right"
