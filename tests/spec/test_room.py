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


@pytest.mark.timeout(120)
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
