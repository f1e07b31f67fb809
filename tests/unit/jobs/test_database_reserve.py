"""On a disk that something else has filled, jobs can still be deleted."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from packmule.jobs.database_reserve import RESERVE_BYTES, DatabaseReserve

if TYPE_CHECKING:
    from pathlib import Path

FILL_AND_DELETE = """
import pathlib, sys
from tests.fakes.databases import migrated
from tests.fakes.jobs import in_state
from packmule.jobs.database import take_reserve
from packmule.jobs.model import JobState
from packmule.jobs.store import JobStore
folder = pathlib.Path(sys.argv[1])
database = migrated(folder / "packmule.db")
take_reserve(database)
store = JobStore(database)
jobs = [in_state(store, JobState.COMPLETED) for _ in range(3)]
with (folder / "foreign").open("wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
for job in jobs:
    store.expire(job)
print("expired")
"""


@pytest.mark.needs("unshare", "mount")
def test_jobs_can_be_ended_on_a_full_disk(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=80m none "$0" && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(tmp_path)]
    command += [sys.executable, "-c", FILL_AND_DELETE, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == "expired\n", ran.stderr


def test_the_reserve_is_taken_once_and_only_for_the_owner(tmp_path: Path) -> None:
    reserve = DatabaseReserve(tmp_path / "packmule.db")
    reserve.take()
    (made,) = tmp_path.iterdir()
    status = made.stat()
    assert status.st_blocks * 512 >= RESERVE_BYTES
    assert status.st_mode & 0o777 == 0o600
    reserve.release_if_full()
    reserve.take()
    assert made.stat().st_mtime_ns == status.st_mtime_ns
