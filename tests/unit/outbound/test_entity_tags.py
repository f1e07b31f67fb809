"""Entity tags: only a strong, well-formed one may stand in If-Range."""

from __future__ import annotations

import pytest

from packmule.outbound.entity_tags import is_strong


@pytest.mark.parametrize("tag", ['"v1"', '""', '"\xe9"', '"!#~"'])
def test_a_quoted_tag_is_strong(tag: str) -> None:
    assert is_strong(tag)


@pytest.mark.parametrize(
    "tag", [None, "", "v1", '"v1', 'v1"', '"a"b"', '"a b"', '"\x7f"', 'W/"v1"', 'w/"v1"']
)
def test_any_other_is_not(tag: str | None) -> None:
    assert not is_strong(tag)
