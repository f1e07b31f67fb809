"""The metrics file of a process: claimed by a lock, and let go whatever happens."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from packmule.telemetry.snapshots import claimed

if TYPE_CHECKING:
    from pathlib import Path


def refuse(_file: int, _operation: int) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_folder_without_locks_is_refused_and_nothing_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []
    opened: list[int] = []
    real_open, real_close = os.open, os.close

    def noted_open(*given: object, **named: object) -> int:
        opened.append(real_open(*given, **named))  # type: ignore[arg-type]
        return opened[-1]

    def noted_close(file: int) -> None:
        closed.append(file)
        real_close(file)

    (tmp_path / "metrics").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", noted_open)
        patch.setattr(os, "close", noted_close)
        patch.setattr(fcntl, "flock", refuse)
        with pytest.raises(OSError, match="No locks"), claimed(tmp_path, "worker"):
            pytest.fail("it was not claimed")
    assert opened
    assert closed == opened


def test_names_are_claimed_from_the_first_that_is_free(tmp_path: Path) -> None:
    with claimed(tmp_path, "worker") as first:
        with claimed(tmp_path, "worker") as second:
            assert (first.name, second.name) == ("worker", "worker-2")
        with claimed(tmp_path, "worker") as again:
            assert again.name == "worker-2"
