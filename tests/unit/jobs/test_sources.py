"""Sources are what was wanted, in its order, as if they were a tuple."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.jobs.model import Source
from packmule.jobs.sources import Sources

WANTED = st.lists(st.tuples(st.text(), st.none() | st.text()), max_size=8)


@given(WANTED, st.slices(8))
def test_sources_are_a_sequence_of_what_was_wanted(
    wanted: list[tuple[str, str | None]], part: slice
) -> None:
    sources = Sources(wanted)
    expected = tuple(Source(at, url, name) for at, (url, name) in enumerate(wanted))
    assert tuple(sources) == expected
    assert (sources == expected, sources != expected, len(sources)) == (True, False, len(wanted))
    assert sources[part] == expected[part]
    assert [sources[at] for at in range(-len(wanted), len(wanted))] == [*expected, *expected]


def test_other_sources_are_not_equal() -> None:
    sources = Sources([("a", None), ("b", "name")])
    assert sources == Sources([("a", None), ("b", "name")])
    assert sources != Sources([("a", None)])
    assert sources != Sources([("a", None), ("b", None)])
    assert sources != "ab"
    assert sources != 2
    with pytest.raises(IndexError):
        sources[2]
