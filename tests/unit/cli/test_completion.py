"""Completion: the script is right for its shell, and completes what there is."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner

from packmule.cli import main

_PATIENCE = 100.0


def _environment() -> dict[str, str]:
    """Give an environment with `packmule` on its path."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def completed(script: str) -> list[str]:
    """Run a bash in which completion is set up, and give what it prints."""
    set_up = 'eval "$(packmule completion bash)"\n'
    done = subprocess.run(
        ["bash", "--norc", "-euc", set_up + script],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
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


@pytest.mark.needs("fish")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("packmule sta", ["status"]),
        ("packmule create --on-", ["--on-error", "--on-html"]),
        ("packmule create --on-error ", ["fail", "skip"]),
    ],
)
def test_fish_completes_commands_options_and_values(
    line: str, found: list[str], tmp_path: Path
) -> None:
    script = f"packmule completion fish | source; complete --do-complete '{line}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        env={**_environment(), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [each.partition("\t")[0] for each in done.stdout.splitlines()] == found


@pytest.mark.needs("zsh")
@pytest.mark.parametrize(
    ("line", "completed_to"),
    [
        ("packmule sta", "packmule status "),
        ("packmule create --on-e", "packmule create --on-error "),
        ("packmule create --on-error sk", "packmule create --on-error skip "),
    ],
)
def test_zsh_completes_commands_options_and_values(
    line: str, completed_to: str, tmp_path: Path
) -> None:
    (tmp_path / ".zshrc").write_text(
        "PS1='> '\nunsetopt zle_bracketed_paste\nautoload -Uz compinit && compinit -u\n"
        'eval "$(packmule completion zsh)"\necho it is set up\n'
    )
    environment = {**_environment(), "HOME": str(tmp_path), "TERM": "dumb"}
    with _Typist(["zsh", "-i", "-d"], environment) as typist:
        typist.read_until("it is set up")
        typist.type(f"{line}\t")
        typist.read_until(completed_to)


class _Typist:
    """A shell on a terminal of its own, and whoever types there."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._shell = subprocess.Popen(
            command,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def read_until(self, text: str) -> None:
        """Read until the terminal shows a text behind what was waited for before."""
        deadline = time.monotonic() + _PATIENCE
        while text not in self._said:
            assert time.monotonic() < deadline, self._said
            if select.select([self._ours], [], [], 0.1)[0]:
                self._said += os.read(self._ours, 4096).decode(errors="replace")
        self._said = self._said.partition(text)[2]


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
