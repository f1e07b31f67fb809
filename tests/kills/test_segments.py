"""Killed while several transfers bring one file, the service keeps what each has brought."""

from __future__ import annotations

import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.kills.archives import faults
from tests.kills.bodies import Body
from tests.kills.origin import Origin, Thing
from tests.kills.rounds import kill
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from pathlib import Path

MB = 1_000_000


def has_sent(thing: Thing, goal: int) -> bool:
    return thing.sent >= goal


@pytest.mark.long
def test_a_file_that_several_transfers_bring_is_right_after_kills(tmp_path: Path) -> None:
    body = Body(7, 16 * MB)
    thing = Thing(body, rate=2.0 * MB, latency=0.03)
    with Origin() as origin, Service(tmp_path, MIN_FREE_BYTES="0") as service:
        digest = hashlib.sha256(body.read()).hexdigest()
        service.start()
        key = service.create({"url": origin.put("/divided.bin", thing), "sha256": digest})
        for goal in (4 * MB, 9 * MB):
            until(partial(has_sent, thing, goal), "the file comes")
            time.sleep(1.1)  # a checkpoint
            kill(service, "all")
            service.start()
        assert service.outcome(key)["status"] == "completed"
        archive = tmp_path / "archive.zip"
        archive.write_bytes(service.download(key).content)
        assert faults(archive, {"divided.bin": body}) == []
    assert sum(asked is not None for asked in thing.asked) >= 3
    assert thing.asked.count(None) == 1
