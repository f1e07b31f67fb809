"""docs/python.md, done for real: each of its Python blocks is a program that runs to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.fakes.documents import ROOT, blocks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin
    from tests.spec.service import Service

DOCS = ROOT / "docs"
BLOCKS = blocks("docs/python.md", "python")
ARCHIVES = [["documents.zip"], [], ["one.zip"]]


@pytest.mark.parametrize(("block", "archives"), list(zip(BLOCKS, ARCHIVES, strict=True)))
def test_every_program_of_the_guide_runs(
    service: Service, origin: Origin, tmp_path: Path, block: str, archives: list[str]
) -> None:
    for name in ("glossary.md", "settings.md"):
        origin.put(f"/{name}", (DOCS / name).read_bytes())
    program = block.replace("http://127.0.0.1:9000", origin.url(""))
    done = subprocess.run(
        [sys.executable, "-c", program.replace("http://localhost:8000", service.url)],
        env={"PATH": os.environ["PATH"], "PACKMULE_SERVER": service.url, "PYTHONWARNINGS": "error"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == archives
    for each in archives:
        assert zipfile.ZipFile(tmp_path / each).testzip() is None


@pytest.mark.long
def test_every_program_of_the_guide_passes_mypy_strict(tmp_path: Path) -> None:
    files = [tmp_path / f"example_{number}.py" for number in range(len(BLOCKS))]
    for file, block in zip(files, BLOCKS, strict=True):
        file.write_text(block)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, files)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
