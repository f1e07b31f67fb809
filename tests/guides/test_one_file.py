"""docs/guides/one-file.md, typed against the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.documents import blocks, typed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin
    from tests.spec.service import Service

GUIDE = "docs/guides/one-file.md"


def test_the_files_that_the_guide_takes_are_those_of_the_archive(
    service: Service, origin: Origin, path: str, tmp_path: Path
) -> None:
    archive_hash = service.completed(
        {"url": origin.put("/guide/clip.mp4", b"clip" * 1000), "name": "summer/clip.mp4"},
        origin.put("/guide/other.txt", b"other"),
        origin.put("/guide/long.txt", b"long " * 1000),
    )
    env = {"PATH": path, "PACKMULE_SERVER": service.url, "HASH": archive_hash}
    [block] = blocks(GUIDE, "sh")
    code, said = typed(block, tmp_path, env)
    assert code == 0, said
    assert "summer/clip.mp4" in said
    assert (tmp_path / "clip.mp4").read_bytes() == b"clip" * 1000
    assert (tmp_path / "long.txt").read_bytes() == b"long " * 1000
