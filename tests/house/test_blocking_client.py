"""`Client` is made from `AsyncClient`: one source, two forms.

Owns the translation. It is of words only, because every decision and every difference between the
two is in other modules. With `UPDATE_DOCS=1` the test writes the blocking form anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.house.tree import ROOT, read

SOURCE = "src/packmule/client/asynchronous.py"
MADE = "src/packmule/client/blocking.py"

MODULE = '''"""`Client`: the blocking client of a Packmule server.

Made from `asynchronous.py` by tests/house/test_blocking_client.py: edit that one. Owns carrying out
the steps of an operation one after another in the calling thread.
"""
'''
CLASS = '''class Client:
    """A blocking client of a Packmule server. Threads may share it.

    Use it as a context manager, or `close` it.
'''
# What is replaced, in this order: a pattern and what takes its place.
TRANSLATION = (
    (r'\A""".*?"""\n', MODULE),
    (r"class AsyncClient:\n.*?\n\n.*?\n\n", CLASS + "\n"),
    (r"import anyio\n", "import time\n"),
    (r"from packmule\.client\.disk_thread import in_thread\n", ""),
    (r"\bTasks\b", "Threads"),
    (r"in_thread\(([\w.]+)(?:, (\w+))?\)", lambda found: f"{found[1]}({found[2] or ''})"),
    (r"anyio\.sleep", "time.sleep"),
    (r"  # noqa: ASYNC[^\n]*", ""),
    (r"for each in (found\.\w+):\n +yield each\n", r"yield from \1\n"),
    (r"\b(async|await) ", ""),
    (r"\baclose\b", "close"),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"\baiter_", "iter_"),
    (r"\bAsync(Client|Iterator)\b", r"\1"),
)


def blocking(source: str) -> str:
    """Translate the asynchronous form, and have ruff sort its imports and lay it out."""
    for pattern, replacement in TRANSLATION:
        source, number = re.subn(pattern, replacement, source, flags=re.DOTALL)
        assert number, pattern
    for arguments in (["check", "--fix", "--quiet", "--select", "I"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", MADE, "-"]
        source = subprocess.run(
            command, input=source, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return source


def test_the_blocking_client_is_what_the_asynchronous_one_says() -> None:
    made = blocking(read(SOURCE))
    if os.environ.get("UPDATE_DOCS") == "1":
        (ROOT / MADE).write_text(made, encoding="utf-8")
        return
    assert read(MADE) == made, (
        "run UPDATE_DOCS=1 make test ARGS=tests/house/test_blocking_client.py"
    )
