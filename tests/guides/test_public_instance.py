"""docs/guides/public-instance.md: its settings are taken, and refuse what it says they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.documents import blocks, settings_in, typed
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

CREATE = "/api/archive/create"
# What tests make easier for themselves, and an instance on the internet does not.
COMFORTS = ("ALLOW_NETWORKS", "RATE_LIMIT", "QUOTA_JOBS")


def test_the_settings_of_the_guide_hold(tmp_path: Path, path: str) -> None:
    code, said = typed("packmule keys new ann", tmp_path, {"PATH": path})
    assert code == 0, said
    (key,), (entry,) = (
        [line.split()[1] for line in said.splitlines() if line.startswith(f"{what} ")]
        for what in ("key", "entry")
    )
    keys = tmp_path / "packmule.keys"
    keys.write_text(f"{entry}\n")
    [block] = blocks("docs/guides/public-instance.md", "ini")
    settings = settings_in(block)
    assert settings["PACKMULE_API_KEYS_FILE"] == "/etc/packmule.keys"
    with Service(tmp_path) as service:
        for comfort in COMFORTS:
            del service.environment[f"PACKMULE_{comfort}"]
        service.environment |= settings | {"PACKMULE_API_KEYS_FILE": str(keys)}
        ann = {"Authorization": f"Bearer {key}"}
        asking = service.start().client

        def create(*urls: str, **headers: str) -> int:
            answer = asking.post(CREATE, json={"urls": urls}, headers=headers)
            return answer.status_code

        assert create("http://example.org/a") == 401
        assert create("http://example.org:8080/a", **ann) == 422
        assert create(*(f"http://example.org/{n}" for n in range(2001)), **ann) == 422
        assert create("http://10.0.0.1/a", **ann) == 422
        assert asking.get("/metrics").status_code == 404  # as if there were none
        token = settings["PACKMULE_METRICS_TOKEN"]
        told = asking.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert told.is_success
        answers = [asking.post(CREATE, content=b"{", headers=ann).status_code for _ in range(31)]
        assert answers[0] == 400
        assert answers[-1] == 429
