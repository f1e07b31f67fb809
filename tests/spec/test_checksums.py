"""What differs from what is known of a file is not packed, and an archive says what it holds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from tests.fakes.archives import packed_files
from tests.fakes.waiting import eventually
from tests.spec.service import Service

from packmule.jobs.model import Manifest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

BODY = b"the right file " * 40_000


def known(origin: Origin, path: str, body: bytes = BODY) -> dict[str, object]:
    digest = hashlib.sha256(body).hexdigest()
    return {"url": origin.put(path, body), "sha256": digest, "size": len(body)}


def test_files_with_checksums_are_verified(service: Service, origin: Origin) -> None:
    right = known(origin, "/checked/right.bin")
    wrong = known(origin, "/checked/wrong.bin") | {"sha256": "0" * 64}
    short = known(origin, "/checked/short.bin") | {"size": len(BODY) + 1}
    status = service.outcome(service.create(right, wrong, short))
    assert status["status"] == "failed"
    failures = {each["position"]: each for each in status["failures"]}
    assert {at: each["code"] for at, each in failures.items()} == {1: "checksum", 2: "checksum"}
    assert "SHA-256" in failures[1]["detail"]
    assert failures[1]["attempts"] == 2
    requested = [len(origin.requests_for(f"/checked/{name}.bin")) for name in ("right", "wrong")]
    assert requested == [1, 2]
    archive_hash = service.completed(right, wrong, on_error="skip")
    assert service.members(archive_hash)["right.bin"] == BODY


def test_an_archive_with_a_manifest_says_what_it_holds(service: Service, origin: Origin) -> None:
    right, small = known(origin, "/told/right.bin"), origin.put("/told/small.txt", b"small")
    for asked, manifest in ((True, Manifest.SUMS), ("bagit", Manifest.BAGIT)):
        archive_hash = service.completed(right, small, manifest=asked, name="told.zip")
        members = service.members(archive_hash)
        if manifest is Manifest.BAGIT:
            assert {name.partition("/")[0] for name in members} == {"told"}
        assert packed_files(members, manifest) == {"right.bin": BODY, "small.txt": b"small"}


@pytest.mark.long  # as in tests/unit/assembly/test_checksums.py
def test_a_file_goes_on_after_a_kill_and_is_verified_whole(tmp_path: Path, origin: Origin) -> None:
    body = BODY * 14  # two blocks and more
    right = known(origin, "/killed/right.bin", body)
    origin.resources["/killed/right.bin"].held_from = len(body) - 5
    with Service(tmp_path) as service:
        archive_hash = service.start().create(right, manifest=True, compression="store")
        eventually(lambda: all(service.kept(archive_hash)))
        service.kill()
        origin.release("/killed/right.bin")
        service.start()
        assert service.outcome(archive_hash)["status"] == "completed"
        files = packed_files(service.members(archive_hash), Manifest.SUMS)
    assert files == {"right.bin": body}
    assert origin.ranges_for("/killed/right.bin")[-1] is not None
