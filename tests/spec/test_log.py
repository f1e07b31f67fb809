"""The log of the real program at its most talkative: fields on each line, no secret on any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.spec.service import Service

from packmule.telemetry.trace_ids import ids_of
from packmule.web.api_keys import new_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

HIDDEN = "topsecret"
TOKEN = f"{HIDDEN}-of-the-metrics"


@pytest.mark.parametrize("form", ["json", pytest.param("text", marks=pytest.mark.long)])
def test_no_secret_is_in_the_log_and_every_line_of_a_job_names_it(
    tmp_path: Path, origin: Origin, form: str
) -> None:
    key = new_key()
    settings = {"LOG_LEVEL": "debug", "LOG_FORMAT": form, "ACCESS_LOG": "on"}
    with Service(
        tmp_path, ATTEMPTS="2", API_KEYS=f"ann:{key}", METRICS_TOKEN=TOKEN, **settings
    ) as own:
        own.client.headers = {"Authorization": f"Bearer {key}", "X-Request-ID": "req-1"}
        own.start()
        good = origin.put("/log/good", b"x") + "?signature=topsecret"
        archive_hash = own.completed(f"{good}#topsecret")
        dead = origin.put("/log/dead", b"x", status=503) + "?signature=topsecret"
        failed = own.create(dead)
        assert own.outcome(failed)["status"] == "failed"
        for bad in (dead.replace("//", "//ann:topsecret@"), "ftp://topsecret"):
            answer = own.client.post("/api/archive/create?topsecret", json={"urls": [bad]})
            assert answer.status_code == 422
        own.client.get(f"/archive/get/{archive_hash}.zip?token=topsecret")
        own.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert own.stop() == 0
        log = own.log
    assert HIDDEN not in log
    assert archive_hash not in log
    assert failed not in log
    assert key not in log
    if form == "text":
        assert f"[job={archive_hash[:8]} attempt=1]" in log
        assert "[request=req-1" in log
        return
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
    of_worker = [line for line in lines if line["process"] == "worker" and "job" in line]
    assert {line["job"] for line in of_worker} == {archive_hash[:8], failed[:8]}
    assert all(line["attempt"] == 1 for line in of_worker)
    traces = {f"{ids_of(each).trace:032x}" for each in (archive_hash, failed)}
    assert {line["trace_id"] for line in lines if "job" in line} == traces
    assert {line["message"] for line in of_worker} >= {"job started"}
    accepted = [line for line in lines if line["message"] == "job accepted files=1"]
    assert [line["job"] for line in accepted] == [archive_hash[:8], failed[:8]]
    assert {line["request"] for line in accepted} == {"req-1"}
    assert any(
        line["logger"] == "packmule.access" and line.get("job") == archive_hash[:8]
        for line in lines
    )
