import os
import sys
import time
from pathlib import Path

import pytest
from bench.measure import Reading, RunError, Step, run_steps


def python(code: str, folder: Path) -> Step:
    return Step([sys.executable, "-c", code], folder)


def measured(code: str, folder: Path, limit: float = 60) -> Reading:
    return run_steps([python(code, folder)], os.environ, folder / "log", limit)


def test_memory_is_that_of_the_whole_tree(tmp_path: Path) -> None:
    child = "b = bytearray(60_000_000); import time; time.sleep(0.5)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert 60_000_000 < measured(code, tmp_path).peak_bytes < 150_000_000


def test_cpu_is_that_of_the_whole_tree(tmp_path: Path) -> None:
    child = "import time\nwhile time.process_time() < 0.4: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert measured(code, tmp_path).cpu_seconds >= 0.4


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"ended with 3: oh no"):
        measured("print('oh no'); raise SystemExit(3)", tmp_path)


def test_a_command_that_never_ends_is_ended(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not done in time"):
        measured("import time; time.sleep(600)", tmp_path, limit=0.3)


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('pid', 'w').write(str(child.pid))"
    )
    measured(code, tmp_path)
    stat = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    deadline = time.monotonic() + 10  # killed at once, but reaped by init in its own time
    while stat.exists() and stat.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stat.exists() or stat.read_text().split()[2] == "Z"
