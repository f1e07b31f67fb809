"""docs/scaling.md, done for real: from one machine's database to a fleet's, and what runs then."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fakes.documents import replaced, settings_in, the_block, typed
from tests.fakes.terminals import terminal, until_it_answers
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

DOCUMENT = "docs/scaling.md"


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_machines_jobs_go_on_in_a_fleet(
    tmp_path: Path, origin: Origin, postgres_url: str, path: str, free_port: int
) -> None:
    data = tmp_path / "packmule-data"
    body = origin.put("/scaling/a.txt", b"carried")
    with Service(tmp_path, DATA_DIR=str(data)) as alone:
        archive_hash = alone.start().completed(body)
        assert alone.stop() == 0
        env = alone.environment | {"PATH": path}
    start = the_block(DOCUMENT, "export PACKMULE_DATABASE_URL")
    export, migrate, worker, serve = start.splitlines()
    [named] = settings_in(export).values()
    export = replaced(export, {named: postgres_url})
    move = the_block(DOCUMENT, "packmule migrate-store")
    code, said = typed(f"{export}\n{move}{migrate}", tmp_path, env)
    assert code == 0, said
    env["PACKMULE_PORT"] = str(free_port)
    with ExitStack() as terminals:
        for name, command in {"worker": worker, "serve": serve}.items():
            log = tmp_path / name
            terminals.enter_context(terminal(f"{export}\nexec {command}", tmp_path, env, log))
        until_it_answers(f"http://127.0.0.1:{free_port}/readyz", log)
        asking = httpx.Client(base_url=f"http://127.0.0.1:{free_port}", trust_env=False)
        with asking:
            status = asking.get(f"/api/archive/status/{archive_hash}").json()
            assert status["status"] == "completed"
            assert asking.get(f"/archive/get/{archive_hash}.zip").is_success
            new = asking.post("/api/archive/create", json={"urls": [body]}).json()["archive_hash"]
            done = asking.get(f"/api/archive/status/{new}", params={"wait": 30}, timeout=60)
            assert done.json()["status"] == "completed"
