"""Sources are what was wanted, in its order, as if they were a tuple."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.jobs.expected import Expected
from packmule.jobs.model import Source
from packmule.jobs.sources import Sources

EXPECTED = st.none() | st.builds(Expected, size=st.integers(0, 9))
WANTED = st.lists(st.tuples(st.text(), st.none() | st.text(), EXPECTED), max_size=8)


@given(WANTED, st.slices(8))
def test_sources_are_a_sequence_of_what_was_wanted(
    wanted: list[tuple[str, str | None, Expected | None]], part: slice
) -> None:
    sources = Sources(wanted)
    expected = tuple(Source(at, *one) for at, one in enumerate(wanted))
    assert tuple(sources) == expected
    assert (sources == expected, sources != expected, len(sources)) == (True, False, len(wanted))
    assert sources[part] == expected[part]
    assert [sources[at] for at in range(-len(wanted), len(wanted))] == [*expected, *expected]


def test_other_sources_are_not_equal() -> None:
    sources = Sources([("a", None, None), ("b", "name", None)])
    assert sources == Sources([("a", None, None), ("b", "name", None)])
    assert sources != Sources([("a", None, None)])
    assert sources != Sources([("a", None, None), ("b", None, None)])
    assert sources != Sources([("a", None, None), ("b", "name", Expected(size=1))])
    assert sources != "ab"
    assert sources != 2
    with pytest.raises(IndexError):
        sources[2]
