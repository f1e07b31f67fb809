"""docs/guides/incomplete-archives.md, typed against the service."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from tests.fakes.documents import blocks, settings_in, the_block, typed
from tests.fakes.receiver import SECRET, Answer, Receiver
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

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


def test_expired_links_are_replaced_by_the_service_that_the_settings_name(
    tmp_path: Path, origin: Origin
) -> None:
    question, answer = (json.loads(each) for each in blocks(GUIDE, "json"))
    [position] = answer["urls"]
    new = json.dumps({"urls": {position: origin.put("/guide/signed/b.txt", b"b")}}).encode()
    settings = settings_in(the_block(GUIDE, "PACKMULE_REFRESH_URL"))
    with Receiver(lambda _: Answer(200, body=new)) as links, Service(tmp_path) as own:
        own.environment |= settings | {
            "PACKMULE_REFRESH_URL": links.url,
            "PACKMULE_WEBHOOK_SECRET": SECRET,
        }
        own.start()
        old = origin.put("/guide/expired/b.txt", b"", status=403) + "?Expires=1"
        archive_hash = own.completed(origin.put("/guide/a.txt", b"a"), old)
        assert own.members(archive_hash) == {"a.txt": b"a", "b.txt": b"b"}
        [asked] = links.received
    assert links.wrong == []
    assert asked.document.keys() == question.keys()
    assert asked.document["type"] == question["type"]
    assert asked.document["data"].keys() == question["data"].keys()
    assert asked.document["data"]["links"][0].keys() == question["data"]["links"][0].keys()
