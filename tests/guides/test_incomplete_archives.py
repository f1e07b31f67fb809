"""docs/guides/incomplete-archives.md, typed against the service."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from tests.fakes.documents import the_block, typed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin
    from tests.spec.service import Service

GUIDE = "docs/guides/incomplete-archives.md"


def test_an_archive_gets_a_new_link_for_what_failed(
    service: Service, origin: Origin, path: str, tmp_path: Path
) -> None:
    good, dead = origin.put("/guide/kept.txt", b"kept"), origin.url("/guide/expired.txt")
    archive_hash = service.create(good, dead)
    assert service.outcome(archive_hash)["status"] == "failed"
    new = origin.put("/guide/new.txt", b"new") + "?signature=a&b=c"
    env = {"PATH": path, "PACKMULE_SERVER": service.url, "HASH": archive_hash, "NEW_LINK": new}
    code, said = typed(the_block(GUIDE, "packmule retry"), tmp_path, env)
    assert code == 0, said
    assert service.members(archive_hash) == {"kept.txt": b"kept", "new.txt": b"new"}


def test_an_archive_is_finished_without_the_rest(
    service: Service, origin: Origin, path: str, tmp_path: Path
) -> None:
    good, dead = origin.put("/guide/good.txt", b"good"), origin.url("/guide/gone.txt")
    archive_hash = service.create(good, dead)
    assert service.outcome(archive_hash)["status"] == "failed"
    env = {"PATH": path, "PACKMULE_SERVER": service.url, "HASH": archive_hash}
    first, second = the_block(GUIDE, "packmule finish").splitlines()
    code, said = typed(first, tmp_path, env)
    assert code == 1, said
    assert "completed without 1 file" in said
    code, said = typed(second, tmp_path, env)
    assert code == 1, said
    assert "gone.txt" in said
    with zipfile.ZipFile(tmp_path / "incomplete.zip") as archive:
        assert archive.namelist() == ["good.txt", "_missing.txt"]
