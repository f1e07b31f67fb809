"""Many downloads at once, with cuts: all are right, and the API holds no archive in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.downloads.crowd import gather
from tests.downloads.served import MIB

if TYPE_CHECKING:
    from tests.downloads.served import Served

AT_ONCE = 100
# What the API holds for a client that does not read: a few pieces of 64 KiB.
MOST_EACH = MIB


@pytest.mark.long
def test_a_hundred_downloads_at_once_are_right_and_held_in_little_memory(served: Served) -> None:
    crowd = gather(served, AT_ONCE)
    assert crowd.faults == []
    assert crowd.at_once == AT_ONCE
    assert crowd.cuts > 0
    assert crowd.growth < AT_ONCE * MOST_EACH < AT_ONCE * served.file.stat().st_size / 10
