"""A missing program is a skip with its reason on a desk, and a failure in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.house.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

A_TEST = """
import pytest

@pytest.mark.needs("python3", "no-such-program")
def test_something():
    assert True
"""


def outcome(where: Path, **environment: str) -> tuple[int, str]:
    """Run one test that needs a missing program; give pytest's exit code and what it printed."""
    shutil.copy(ROOT / "tests/conftest.py", where)
    (where / "test_it.py").write_text(A_TEST)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "--rootdir", str(where)],
        cwd=where,
        env={
            "PATH": os.environ["PATH"],
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # quick to start
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout


def test_on_a_desk_a_missing_program_is_a_skip_with_its_reason(tmp_path: Path) -> None:
    code, printed = outcome(tmp_path)
    assert code == 0
    assert "1 skipped" in printed
    assert "needs the program 'no-such-program'" in printed


def test_in_ci_a_missing_program_is_a_failure(tmp_path: Path) -> None:
    code, printed = outcome(tmp_path, CI="true")
    assert code == 1
    assert "needs the program 'no-such-program'" in printed
    assert "passed" not in printed


def test_where_ci_cannot_install_it_is_a_skip_again(tmp_path: Path) -> None:
    code, printed = outcome(tmp_path, CI="true", PACKMULE_TESTS_MAY_SKIP="1")
    assert code == 0
    assert "1 skipped" in printed
