"""Where the disk runs short, archives that nobody reads expire before their time."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

FAR_TOO_MUCH = "1000 PB"
MB = 1_000_000


def forget(service: Service, archive_hash: str) -> None:
    """Have nobody ask for an archive for a day."""
    (archive,) = (service.seen_data() / "archives").rglob(f"{archive_hash}.zip")
    os.utime(archive, (time.time() - 86_400, archive.stat().st_mtime))


@pytest.mark.long  # tests/unit/cleanup has it without a process
@pytest.mark.timeout(400)
def test_the_disk_runs_short_and_what_is_read_stays(tmp_path: Path, origin: Origin) -> None:
    url = origin.put("/room/a.bin", os.urandom(50_000))
    with Service(tmp_path) as service:
        service.start()
        forgotten, fetched, new = (service.completed(url) for _ in range(3))
        for hash_ in (forgotten, fetched):
            (archive,) = (tmp_path / "data" / "archives").rglob(f"{hash_}.zip")
            long_ago = time.time() - 86_400
            os.utime(archive, (long_ago, archive.stat().st_mtime))
        assert service.download(fetched, Range="bytes=0-9").status_code == 206
        service.stop()
    with Service(tmp_path, MIN_FREE_BYTES=FAR_TOO_MUCH) as service:
        service.start()
        until(lambda: service.status(forgotten)["status"] == "expired", "it has expired")
        assert service.download(forgotten).status_code == 410
        for hash_ in (fetched, new):
            assert service.status(hash_)["status"] == "completed"
            assert service.download(hash_).status_code == 200
        found = service.outcome(service.create(url))
        assert found["status"] == "failed"
        assert found["error"]["code"] == "disk-full"


@pytest.mark.needs("unshare", "mount")
@pytest.mark.parametrize(
    "announced",
    [
        pytest.param(True, id="length known", marks=pytest.mark.long),
        pytest.param(False, id="length unknown"),
    ],
)
def test_a_job_that_finds_no_room_has_some_made_else_it_fails_and_a_retry_completes(
    tmp_path: Path, origin: Origin, *, announced: bool
) -> None:
    big = origin.put("/room/big", os.urandom(10 * MB), announced=announced)
    # What a body of unknown length needs is twice its size.
    with Service(tmp_path, MIN_FREE_BYTES="2 MB").use_small_disk("56m") as service:
        service.start()
        old = service.completed(origin.put("/room/old", os.urandom(48 * MB)))
        forget(service, old)
        new = service.completed(big)
        assert service.status(old)["status"] == "expired"
        other = service.completed(origin.put("/room/other", os.urandom(38 * MB)))
        again = service.create(big)
        found = service.outcome(again)
        assert (found["status"], found["error"]["code"]) == ("failed", "disk-full")
        assert {service.status(each)["status"] for each in (new, other)} == {"completed"}
        service.client.delete(f"/api/archive/{other}").raise_for_status()
        service.client.post(f"/api/archive/retry/{again}").raise_for_status()
        assert service.outcome(again)["status"] == "completed"
        assert service.download(again).status_code == 200
