"""Completion: the script is right for its shell, and completes what there is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from packmule.cli import main


def completed(script: str) -> list[str]:
    """Run a bash in which completion is set up, and give what it prints."""
    set_up = 'eval "$(packmule completion bash)"\n'
    done = subprocess.run(
        ["bash", "--norc", "-euc", set_up + script],
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [
        ("packmule sta", 1, ["status"]),
        ("packmule create --on-", 2, ["--on-error", "--on-html"]),
        ("packmule create --on-error ", 3, ["fail", "skip"]),
        ("packmule completion f", 2, ["fish"]),
    ],
)
def test_bash_completes_commands_options_and_values(words: str, at: int, found: list[str]) -> None:
    # As bash does at a tab: the function that is set up for the command, with the words so far.
    listed = " ".join(f"'{word}'" for word in words.split(" "))
    script = (
        f"COMP_WORDS=({listed}); COMP_CWORD={at}\n"
        'function=$(complete -p packmule | sed "s/.*-F \\([^ ]*\\) .*/\\1/")\n'
        '"$function" packmule\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    assert completed(script) == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"_PACKMULE_COMPLETE={shell}_complete" in done.output


def test_another_shell_is_refused() -> None:
    assert CliRunner().invoke(main, ["completion", "tcsh"]).exit_code == 2


@pytest.mark.parametrize("command", ["status", "fetch", "create"])
def test_a_command_that_asks_a_server_imports_nothing_of_the_service(command: str) -> None:
    code = (
        "import sys; from packmule.cli import main\n"
        f"main(['{command}', '--help'], standalone_mode=False)\nprint(list(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for heavy in (
        "sqlalchemy", "pydantic", "fastapi", "granian", "pycurl", "httpx",
        "packmule.settings",
    ):  # fmt: skip
        assert f"'{heavy}'" not in found
