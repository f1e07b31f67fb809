"""What is done is held in columns, and comes back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.done_entries import DoneEntries
from packmule.errors import WarningCode
from packmule.jobs.model import DoneEntry

SIZES = st.integers(0, (1 << 64) - 1)
ENTRIES = st.builds(
    DoneEntry,
    position=st.integers(0, 1 << 40),
    name=st.text(),
    offset=SIZES,
    method=st.sampled_from([0, 8]),
    crc=st.integers(0, (1 << 32) - 1),
    compressed_size=SIZES,
    size=SIZES,
    modified_at=st.none() | st.integers(-(1 << 62), 1 << 62),
    warning=st.none() | st.sampled_from(list(WarningCode)),
)


@given(st.lists(st.lists(ENTRIES, max_size=4), max_size=4))
def test_entries_come_back_as_they_were_added(batches: list[list[DoneEntry]]) -> None:
    done = DoneEntries(batches[0] if batches else ())
    for batch in batches[1:]:
        done.extend(batch)
    entries = [entry for batch in batches for entry in batch]
    assert list(done) == entries
    assert len(done) == len(entries)
    assert list(done.by_position()) == sorted(entries, key=lambda entry: entry.position)
    assert list(done.by_offset()) == sorted(entries, key=lambda entry: entry.offset)
    assert sorted(done.warned()) == sorted(
        (entry.position, entry.warning) for entry in entries if entry.warning is not None
    )


def test_only_what_is_not_settled_is_new() -> None:
    one, two, three, four = (DoneEntry(n, f"{n}", n, 0, n, n, n) for n in range(4))
    done = DoneEntries([one])
    assert done.since(1) == ()
    done.extend([two, three])
    assert done.since(1) == (two, three)
    assert done.since(2) == (three,)
    done.settle(2)
    done.extend([four])
    assert done.since(2) == (three, four)
    done.settle(4)
    assert done.since(4) == ()
    assert list(done) == [one, two, three, four]
