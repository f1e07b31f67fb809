"""After a power cut nothing accepted is lost, and what was completed is on the disk.

On file systems of the test's own, in loop devices: where root may mount them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.power.cuts import play
from tests.power.disk import MAKERS, missing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
@pytest.mark.needs("xfs_io", "mkfs.ext4", "mkfs.xfs")
@pytest.mark.parametrize("kind", list(MAKERS))
def test_what_was_accepted_outlives_a_power_cut(kind: str, tmp_path: Path) -> None:
    if (why := missing(kind)) is not None:
        # Containers may not mount: no fault of theirs, and not to be mended by installing.
        pytest.skip(f"needs a disk of its own: {why}")
    assert play(kind, 0, tmp_path / "round").problems == []
