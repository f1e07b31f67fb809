"""The compression benchmark: the same texts each time, and a verdict that follows the figures."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest
from bench.compression import KINDS, NOISE, Result, make_texts, verdict

if TYPE_CHECKING:
    from pathlib import Path


def test_the_texts_are_the_same_each_time_and_shrink_as_text_does(tmp_path: Path) -> None:
    assert len(set(make_texts(tmp_path / "empty", 0))) == 8 * len(KINDS)
    names = make_texts(tmp_path / "a", 1, each=1)
    assert make_texts(tmp_path / "b", 1, each=1) == names
    bodies = [(tmp_path / "a" / name).read_bytes() for name in names]
    assert bodies == [(tmp_path / "b" / name).read_bytes() for name in names]
    assert {len(body) for body in bodies} == {1 << 20}
    for name, body in zip(names, bodies, strict=True):
        shrinks = len(zlib.compress(body, 6)) / len(body)
        assert shrinks > 0.99 if name.endswith(NOISE) else 0.05 < shrinks < 0.7, name


def result(seconds: float, size: int, noise: int = 1000) -> Result:
    kinds = {kind: noise if kind == NOISE else size for kind in KINDS}
    return Result((seconds, seconds, 99.0), sum(kinds.values()), kinds)


@pytest.mark.parametrize(
    ("ours", "kept"),
    [
        (result(1.0, 109), True),
        (result(1.1, 109), False),
        (result(1.0, 111), False),
        (result(1.0, 111, noise=100), False),
    ],
)
def test_it_is_kept_where_ours_is_fast_and_its_texts_are_small(ours: Result, *, kept: bool) -> None:
    found, sentence = verdict({"packmule": ours, "a": result(3.0, 100), "b": result(9.0, 90)})
    assert found is kept
    assert "as fast as a " in sentence
