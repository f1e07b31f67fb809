"""Whatever goes wrong in HTTP/2, a file is whole, or its failure is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.http2 import FAULTS
from tests.faults.http2_judging import played

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_of_http2_ends_right(name: str, tmp_path: Path) -> None:
    assert played(name, tmp_path) == "right"
