"""The container's own question: 0 where the API answers, else 1 and why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.origin import Origin

SCRIPT = Path(__file__).resolve().parents[2] / "docker/healthcheck.py"


def ask(port: int, **environment: str) -> tuple[int, str]:
    """Ask as the engine does; give the exit code and what was printed."""
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT],
        env={"PATH": os.environ["PATH"], "PACKMULE_PORT": str(port), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_an_api_that_answers_is_healthy_wherever_it_listens() -> None:
    with Origin() as api:
        api.put("/healthz", b"ok")
        assert ask(api.port)[0] == 0
        assert ask(api.port, PACKMULE_HOST="0.0.0.0")[0] == 0
        assert ask(api.port, PACKMULE_HOST="127.0.0.1")[0] == 0


def test_an_api_that_errs_is_not() -> None:
    with Origin() as api:
        api.put("/healthz", status=500)
        assert ask(api.port) == (1, f"127.0.0.1:{api.port} answers 500\n")


def test_where_nobody_listens_it_says_so(free_port: int) -> None:
    code, said = ask(free_port)
    assert code == 1
    assert "refused" in said
