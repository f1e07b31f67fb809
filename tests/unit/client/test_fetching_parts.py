"""Fetching a split archive: all of its parts, each once, however often the command is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.stage import Stage, document
from tests.unit.client.test_downloading import COMPLETED, HASH, Archive

from packmule.client import ConnectionError, fetching
from packmule.client.steps import NetworkFault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.stage import Answer

    from packmule.client.steps import ApiRequest
    from packmule.client.values import Downloaded

BODIES = {1: b"the first part", 2: b"the second", 3: b"the third one"}
TOTAL = sum(map(len, BODIES.values()))


class Server:
    """Answers for an archive in three parts; is away from part `away_from` on."""

    def __init__(self) -> None:
        self.away_from = 4
        self.asked: list[int] = []

    def __call__(self, request: ApiRequest) -> Answer:
        """Answer a request."""
        if "status" in request.path:
            parts = [
                {"url": f"http://x/{n}", "size": len(body), "files": 1}
                for n, body in BODIES.items()
            ]
            return document({**COMPLETED, "size": TOTAL, "parts": parts})
        assert request.path.startswith(f"/archive/get/{HASH}/parts/")
        number = int(request.path.rpartition("/")[2])
        if number >= self.away_from:
            return NetworkFault("away", sent=False)
        self.asked.append(number)
        return Archive(BODIES[number], etag=f'"{number}"')(request)


def fetch(server: Server, path: Path, **more: Any) -> Downloaded:
    options: dict[str, Any] = {"resume": True, "replace": False, "timeout": None}
    options |= {"connections": 1, "on_progress": None, "on_bytes": None} | more
    stage = Stage(server)
    return stage.play(fetching.fetch(stage.context(), HASH, path, **options))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


ALL = {f"a-{number}.zip": body for number, body in BODIES.items()}


def test_every_part_is_saved_under_its_number_and_told_as_one_download(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    done = fetch(Server(), tmp_path / "a.zip", on_bytes=lambda *far: told.append(far))
    assert contents(tmp_path) == ALL
    assert [path.name for path in done.paths] == list(ALL)
    assert (done.size, done.kept) == (TOTAL, 0)
    assert told == sorted(told)
    assert told[-1] == (TOTAL, TOTAL)


def test_a_later_run_asks_only_for_the_parts_that_are_not_whole(tmp_path: Path) -> None:
    server = Server()
    server.away_from = 3
    with pytest.raises(ConnectionError):
        fetch(server, tmp_path / "a.zip")
    assert (
        contents(tmp_path).items() >= {name: ALL[name] for name in ("a-1.zip", "a-2.zip")}.items()
    )
    server.away_from, server.asked = 4, []
    done = fetch(server, tmp_path / "a.zip")
    assert server.asked == [3]
    assert (done.size, done.kept) == (TOTAL, TOTAL - len(BODIES[3]))
    assert contents(tmp_path) == ALL


def test_a_file_in_a_parts_place_stays_and_nothing_is_downloaded(tmp_path: Path) -> None:
    (tmp_path / "a-3.zip").write_bytes(BODIES[3])
    server = Server()
    with pytest.raises(FileExistsError) as refused:
        fetch(server, tmp_path / "a.zip")
    assert refused.value.filename == str(tmp_path / "a-3.zip")
    assert server.asked == []
    fetch(server, tmp_path / "a.zip", replace=True)
    assert server.asked == [1, 2, 3]
    assert contents(tmp_path) == ALL


def test_starting_over_asks_for_every_part_again(tmp_path: Path) -> None:
    server = Server()
    server.away_from = 2
    with pytest.raises(ConnectionError):
        fetch(server, tmp_path / "a.zip")
    server.away_from, server.asked = 4, []
    fetch(server, tmp_path / "a.zip", resume=False, replace=True)
    assert server.asked == [1, 2, 3]


@pytest.mark.parametrize("change", [b"shorter", None])
def test_a_part_that_was_changed_or_moved_away_is_downloaded_again(
    tmp_path: Path, change: bytes | None
) -> None:
    server = Server()
    server.away_from = 2
    with pytest.raises(ConnectionError):
        fetch(server, tmp_path / "a.zip")
    (tmp_path / "a-1.zip").unlink()
    if change is not None:
        (tmp_path / "a-1.zip").write_bytes(change)
    server.away_from, server.asked = 4, []
    fetch(server, tmp_path / "a.zip", replace=True)
    assert server.asked == [1, 2, 3]
    assert contents(tmp_path) == ALL
