import pytest
from bench.works import MIB, WORKS, Door, Files, Work, scaled, size_words


def test_scaling_makes_big_files_smaller_and_small_ones_fewer() -> None:
    by_name = {work.name: work for work in WORKS}
    assert scaled(by_name["A"], 0.5).files == Files(64, 32 * MIB)
    assert scaled(by_name["C"], 0.5).files == Files(5_000, 10 * 1024)


def test_scaling_leaves_at_least_one_file() -> None:
    assert scaled(Work("X", Files(3, 1024), Door.PLAIN, 1), 0.01).files == Files(1, 1024)


@pytest.mark.parametrize(
    ("size", "words"), [(4 * 1024 * MIB, "4 GiB"), (64 * MIB, "64 MiB"), (10240, "10 KiB")]
)
def test_a_size_is_told_in_its_largest_unit(size: int, words: str) -> None:
    assert size_words(size) == words
