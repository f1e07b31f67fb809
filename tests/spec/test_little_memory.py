"""A process that gets too little memory ends with words, or does its work; it never hangs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.fakes.origin import Origin
from tests.spec.service import LOOPBACK, PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
del sys.argv[1]
from packmule.cli import main
main(prog_name="packmule")
"""


@pytest.mark.parametrize("megabytes", [140, 165, 180, 195])
def test_pack_ends_however_little_memory_it_gets(tmp_path: Path, megabytes: int) -> None:
    with Origin() as origin:
        text = b"A line of text that can be compressed.\n" * 20_000
        urls = [origin.put(f"/{n}.txt", text) for n in range(12)]
        command = [sys.executable, "-c", LIMITED, str(megabytes * 1_000_000), "pack"]
        command += ["--allow-network", LOOPBACK.partition(",")[0], "-o", "out.zip", *urls]
        ended = subprocess.run(
            command, cwd=tmp_path, capture_output=True, timeout=PATIENCE, check=False, text=True
        )
    assert ended.returncode in {0, 1}, ended.stderr
    if ended.returncode:
        assert ended.stderr.splitlines()[-1].startswith("Error: "), ended.stderr
