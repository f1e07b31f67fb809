"""A file at hand gives what is in memory at once, and never bytes that are not its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from packmule.storage import page_cache_read
from packmule.storage.page_cache_read import OpenFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BYTES = bytes(range(250)) * 400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "archive.zip"
    path.write_bytes(BYTES)
    return path


@pytest.fixture
def file(path: Path) -> Iterator[OpenFile]:
    """Give an open file, which was just written and so is in memory."""
    file = OpenFile(path)
    yield file
    file.close()


def test_what_is_in_memory_comes_at_once(file: OpenFile) -> None:
    assert file.read(range(1000, 3000), bytearray(4096)) == BYTES[1000:3000]


def test_no_more_comes_than_the_buffer_takes_and_the_next_reading_does_not_touch_it(
    file: OpenFile,
) -> None:
    buffer = bytearray(100)
    first = file.read(range(500, 3000), buffer)
    second = file.read(range(600, 3000), buffer)
    assert (first, second) == (BYTES[500:600], BYTES[600:700])


def test_past_the_end_there_is_nothing(file: OpenFile) -> None:
    assert file.read(range(len(BYTES), len(BYTES) + 10), bytearray(10)) == b""


def test_what_would_have_to_be_waited_for_is_not_at_hand(
    file: OpenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_in_memory(*_: object) -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", not_in_memory)
    assert file.read(range(10), bytearray(10)) == b""


def test_where_the_system_knows_no_such_reading_nothing_is_at_hand(
    file: OpenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache_read, "_NO_WAIT", None)
    assert file.read(range(10), bytearray(10)) == b""


def test_a_file_that_is_closed_has_nothing_at_hand_and_counts_as_removed(file: OpenFile) -> None:
    assert not file.is_removed
    file.close()
    file.close()
    assert file.read(range(10), bytearray(10)) == b""
    assert file.is_removed


def test_a_file_that_is_deleted_is_removed(file: OpenFile, path: Path) -> None:
    path.unlink()
    assert file.is_removed


def test_a_file_in_whose_place_another_was_put_is_removed(file: OpenFile, path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"another")
    other.rename(path)
    assert file.is_removed


def test_a_file_that_is_not_there_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        OpenFile(tmp_path / "none")
