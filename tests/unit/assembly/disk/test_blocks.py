"""The memory of blocks: bounded, and of the kind that copying through is quick."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import pytest

from packmule.assembly.disk.blocks import BLOCK_BYTES, Pool

SMAPS = Path("/proc/self/smaps")
_RANGE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ ")


def flags_of(block: memoryview) -> set[str]:
    """Tell the flags of the mapping that a block is in (proc(5), smaps, VmFlags)."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(block))
    within = False
    for line in SMAPS.read_text().splitlines():
        if found := _RANGE.match(line):
            within = int(found[1], 16) <= address < int(found[2], 16)
        elif within and line.startswith("VmFlags:"):
            return set(line.split()[1:])
    raise AssertionError("the block is in no mapping")


@pytest.mark.skipif(not SMAPS.exists(), reason="this system has no /proc/self/smaps")
@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="this kernel has no huge pages"
)
def test_blocks_may_have_huge_pages_which_shared_memory_would_not_get() -> None:
    pool = Pool(2)
    for _ in range(3):
        flags = flags_of(pool.take_anyway())
        assert "hg" in flags
        assert "sh" not in flags


def test_beyond_the_bound_a_block_is_let_go_when_it_comes_back() -> None:
    pool = Pool(1)
    within, beyond = pool.take_anyway(), pool.take_anyway()
    assert len(within) == len(beyond) == BLOCK_BYTES
    pool.give(beyond, written=False)
    assert pool.take() is None
    pool.give(within, written=False)
    assert pool.take() is within
