"""docs/guides/checksums.md, done for real: its commands verify, and standard tools agree."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.fakes.documents import blocks, replaced, typed
from tests.fakes.origin import Origin

from packmule.web.schema import CreateIn

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = "docs/guides/checksums.md"


@pytest.mark.needs("unzip")
def test_files_are_verified_and_archives_hold_what_their_manifests_say(
    tmp_path: Path, path: str
) -> None:
    origin = Origin()
    try:
        origin.put("/hello.txt", b"hello\n")
        ours = {"http://127.0.0.1:9000": origin.url("")}
        [table] = blocks(GUIDE, "csv")
        (tmp_path / "files.csv").write_text(replaced(table, ours))
        verify, *others = blocks(GUIDE, "sh")
        env = {**os.environ, "PATH": path}
        code, said = typed(verify, tmp_path, env)
        assert code == 0, said
        for command in others:
            code, said = typed(replaced(command, ours), tmp_path, env)
            assert code == 0, said
            assert "FAILED" not in said
            assert "hello.txt: OK" in said
        (tmp_path / "files.csv").write_text(replaced(table, {**ours, ",5891": ",6891"}))
        code, said = typed(verify.replace("verified", "other"), tmp_path, env)
        assert code == 1
        assert "[checksum]" in said
    finally:
        origin.close()
    [body] = blocks(GUIDE, "json")
    CreateIn.model_validate(json.loads(body))
