"""What others wrote becomes one printable line of bounded length, wherever a failure is made."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from packmule.errors import MAX_DETAIL, Failure, FailureCode, StorageFailed
from packmule.foreign_text import clipped, printable

HARMFUL = (
    "\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066",
    "\u200b", "\ufeff", "\ud800", "\U000e0041",
)  # fmt: skip
LONG = "a\x1b[31m" * 10_000


@pytest.mark.parametrize("character", HARMFUL, ids=ascii)
def test_what_a_terminal_would_act_on_is_replaced(character: str) -> None:
    assert printable(f"a{character}b") == "a\ufffdb"


def test_no_control_or_format_character_passes() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            assert printable(chr(code)) == "\ufffd", hex(code)


def test_what_can_be_read_stays_as_it_is() -> None:
    text = "Größe 10 kB, 大 and 👍"
    assert printable(text) == text
    assert clipped("x" * 80) == "x" * 80


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert clipped("x" * 81) == "x" * 79 + "…"


def test_a_failure_of_a_file_is_printable_and_short() -> None:
    detail = Failure(FailureCode.BAD_RESPONSE, LONG).detail
    assert detail.isprintable()
    assert len(detail) == MAX_DETAIL


def test_a_failure_of_the_store_is_printable_and_short() -> None:
    detail = str(StorageFailed(LONG))
    assert detail.isprintable()
    assert len(detail) == MAX_DETAIL
