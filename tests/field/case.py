"""What a field case is, and how it packs: real servers' habits, each rebuilt as a small origin.

Owns running `packmule pack`: in this process for the default suite, as a program for `make field`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from packmule.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

BOUND = 300.0
"""Seconds after which a program has hung."""


@dataclass(frozen=True)
class Packed:
    """What came of a run: `entries` are the archive's bytes by name, empty if there is none."""

    exit_code: int
    report: dict[str, Any]
    entries: dict[str, bytes]
    modified: dict[str, tuple[int, int, int, int, int, int]]
    stderr: str

    @property
    def codes(self) -> list[str]:
        """The failure codes, in the links' order."""
        return [
            each["code"] for each in self.report.get("failures", self.report.get("missing", []))
        ]


class Field:
    """Runs cases; `as_program` starts the real program for each."""

    def __init__(self, *, as_program: bool) -> None:
        self.as_program = as_program

    def pack(self, *arguments: str, given: str | None = None, **settings: str) -> Packed:
        """Run `packmule pack --json` with links and options; `settings` have no prefix."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out.zip")
            command = ["pack", "--json", "--allow-network", "127.0.0.0/8", "-o", str(out)]
            environment = {f"PACKMULE_{name}": value for name, value in settings.items()}
            run = self._program if self.as_program else _in_process
            exit_code, stdout, stderr = run([*command, *arguments], given, environment)
            entries, modified = {}, {}
            if out.exists():
                with zipfile.ZipFile(out) as archive:
                    for info in archive.infolist():
                        entries[info.filename] = archive.read(info)
                        modified[info.filename] = info.date_time
            report = json.loads(stdout.splitlines()[-1]) if stdout.strip() else {}
            return Packed(exit_code, report, entries, modified, stderr)

    @staticmethod
    def _program(
        arguments: list[str], given: str | None, environment: dict[str, str]
    ) -> tuple[int, str, str]:
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [sys.executable, "-m", "packmule", *arguments],
                input=given,
                env={"PATH": "/usr/bin:/bin", "HOME": home, **environment},
                capture_output=True,
                text=True,
                timeout=BOUND,
                check=False,
            )
        return done.returncode, done.stdout, done.stderr


def _in_process(
    arguments: list[str], given: str | None, environment: dict[str, str]
) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, arguments, input=given, env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@dataclass(frozen=True)
class Case:
    """One case.

    `kind` is its heading in docs/field-cases.md, `comes` what the server sends, `does` what
    Packmule does, `source` where people met it. `slow`: too slow for the default suite.
    """

    name: str
    kind: str
    comes: str
    does: str
    source: str
    play: Callable[[Field], None]
    slow: bool


def case(
    *, kind: str, comes: str, does: str, source: str, slow: bool = False
) -> Callable[[Callable[[Field], None]], Case]:
    """Declare a case: a function that fails with AssertionError where Packmule does not do so."""
    return lambda play: Case(
        getattr(play, "__name__", "case"), kind, comes, does, source, play, slow
    )
