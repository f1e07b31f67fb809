"""The progress bar: its text, and that it leaves nothing behind."""

from __future__ import annotations

import io
import sys

import pytest

from packmule.cli.progress import bar, line, size
from packmule.cli.tables import counts, print_table


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5e12, "5.0 TB")],
)
def test_sizes_are_powers_of_ten(count: float, text: str) -> None:
    assert size(count) == text


def test_the_line_says_how_far_it_is_how_fast_and_how_long() -> None:
    assert line("download", 0, None, 0.0) == "download  0 B"
    assert line("download", 50, 100, 10.0) == (
        f"download  {'━' * 10}{'╌' * 10}  50 B of 100 B  10 B/s  5 s left"
    )
    assert line("x", 0, 0, 0.0) == f"x  {'╌' * 20}  0 B of 0 B"
    assert line("x", 0, 10**6, 1000.0).endswith("17 min left")
    assert line("x", 0, 10**9, 1000.0).endswith("277.8 h left")


def test_a_label_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in line("host \x1b[2J", 0, None, 0.0)


@pytest.mark.parametrize(
    ("done", "total", "kinds", "text"),
    [
        (0, 1, {}, "0 of 1 file"),
        (3, 8, {"active": 2, "failed": 1}, "3 of 8 files, 2 active, 1 failed"),
        (3, 2000, {"retrying": 4}, "3 of 2,000 files, 4 retrying"),
    ],
)
def test_files_are_counted_by_what_they_do(
    done: int, total: int, kinds: dict[str, int], text: str
) -> None:
    assert counts(done, total, **kinds) == text


def test_the_bar_fits_the_terminal_and_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    drawn = io.StringIO()
    monkeypatch.setattr(sys, "stderr", drawn)
    with bar() as found:
        found.show("3 of 8 files, a very long label indeed", 1, 2)
    first, last = drawn.getvalue().removeprefix("\r\x1b[K").split("\r\x1b[K")
    assert len(first) == 29
    assert last == ""


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a", "long head"], [["1", "x"], ["333", ""]])
    assert capsys.readouterr().out == "a    long head\n1    x\n333\n"
