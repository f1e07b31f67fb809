"""Attacks on the disk: by lengths that are announced, and by filling it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tests.attacks.stage import attack
from tests.spec.service import until

if TYPE_CHECKING:
    from tests.attacks.stage import Stage
    from tests.spec.service import Service

MB = 1_000_000
VICTIM, ATTACKER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
KEYS = f"victim:{VICTIM},attacker:{ATTACKER}"


@attack("a false Content-Length, to have another client's archives expire")
def false_length(stage: Stage, _size: int) -> None:
    with stage.origin() as origin:
        theirs = origin.put("/theirs", os.urandom(30 * MB))
        lie = origin.put("/lie", bytes(40 * MB), held_from=1000)
        with stage.service(disk="56m", MIN_FREE_BYTES="2 MB", API_KEYS=KEYS) as service:
            identify(service, VICTIM)
            victim = service.completed(theirs)
            forget(service, victim)
            identify(service, ATTACKER)
            # When the slow file is there, the length of the other one has long been judged.
            attacker = service.create(
                lie, origin.put("/slow", b"slow", latency=2.0), compression="store"
            )
            until(lambda: service.kept(attacker)[1] > 0, "the slow file")
            assert service.status(victim)["status"] == "completed"


@attack("a disk filled by jobs, to have no change of any job recorded")
def full_disk(stage: Stage, _size: int) -> None:
    with stage.origin() as origin:
        endless = [origin.put(f"/{n}", bytes(30 * MB), announced=False) for n in range(3)]
        with stage.service(disk="56m", MIN_FREE_BYTES="2 MB") as service:
            jobs = [service.create(url, compression="store") for url in endless]
            ended = [service.outcome(job) for job in jobs]
            # Each was refused before the disk was full: nothing was written into the reserve.
            refusals = [each["error"]["detail"] for each in ended if each["status"] == "failed"]
            assert refusals
            assert all("bytes to spare" in detail for detail in refusals), refusals
            for job in jobs:
                service.client.delete(f"/api/archive/{job}").raise_for_status()


def identify(service: Service, key: str) -> None:
    """Ask as the client of that key from now on."""
    service.client.headers["Authorization"] = f"Bearer {key}"


def forget(service: Service, archive_hash: str) -> None:
    """Have nobody ask for an archive for two days."""
    (archive,) = (service.seen_data() / "archives").rglob(f"{archive_hash}.zip")
    os.utime(archive, (time.time() - 2 * 86_400, archive.stat().st_mtime))
