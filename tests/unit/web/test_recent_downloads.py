"""What was found a moment ago holds for a second, unless it is removed or over before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.fakes.jobs import COMPLETED

from packmule.storage.interface import StoredArchive
from packmule.storage.local import LocalBytes
from packmule.storage.page_cache_read import OpenFile
from packmule.web import recent_downloads
from packmule.web.recent_downloads import FoundArchive, RecentDownloads

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HASH = "0f" * 16


def found(path: Path, *, hash_: str = HASH, expires_in: float = 3600.0) -> FoundArchive:
    """Give a completed job of an archive at that path, which is made where missing."""
    path.touch()
    expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
    job = replace(COMPLETED, hash=hash_, expires_at=expires_at)
    return FoundArchive(job, StoredArchive(10, '"tag"', 0.0, LocalBytes(path)), OpenFile(path))


def is_open(one: FoundArchive) -> bool:
    return one.file is not None and not one.file.is_removed


def test_what_was_found_is_found_again_and_let_go_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_downloads, "HELD_SECONDS", 0.02)

    async def run() -> None:
        held, one = RecentDownloads(), found(tmp_path / "a")
        held.keep(one)
        assert held.find(HASH) is one
        while held.find(HASH) is not None:  # noqa: ASYNC110 - by the loop's own clock
            await asyncio.sleep(0.01)
        assert not is_open(one)
        held.keep(found(tmp_path / "a"))
        assert held.find(HASH) is not None

    asyncio.run(run())


def test_an_archive_that_was_removed_is_not_found_again(tmp_path: Path) -> None:
    async def run() -> None:
        held = RecentDownloads()
        held.keep(found(tmp_path / "a"))
        (tmp_path / "a").unlink()
        assert held.find(HASH) is None

    asyncio.run(run())


def test_a_job_whose_time_is_over_meanwhile_is_not_found_again(tmp_path: Path) -> None:
    async def run() -> None:
        held = RecentDownloads()
        held.keep(found(tmp_path / "a", expires_in=-0.001))
        assert held.find(HASH) is None

    asyncio.run(run())


def test_of_two_that_looked_at_once_one_is_held_and_the_others_file_is_closed(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        held, first, second = RecentDownloads(), found(tmp_path / "a"), found(tmp_path / "a")
        held.keep(first)
        held.keep(second)
        assert held.find(HASH) is first
        assert not is_open(second)

    asyncio.run(run())


def test_no_more_files_are_held_open_than_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_downloads, "MOST_HELD", 3)

    async def run() -> None:
        held = RecentDownloads()
        all_ = [found(tmp_path / "a", hash_=f"{number:032x}") for number in range(5)]
        for one in all_:
            held.keep(one)
        assert [is_open(one) for one in all_] == [True, True, True, False, False]
        assert repr(held) == "<RecentDownloads: 3 of 3 held>"

    asyncio.run(run())


def test_what_is_no_file_of_this_machine_is_looked_up_each_time(tmp_path: Path) -> None:
    async def run() -> None:
        held, one = RecentDownloads(), found(tmp_path / "a")
        held.keep(FoundArchive(one.job, one.archive, None))
        assert held.find(HASH) is None

    asyncio.run(run())
