"""The supervisor, with children that do as a test wants."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 100.0

# Says that it is there, and what came; then does as it is named.
CHILD = """
import os, signal, sys, time
folder, kind = sys.argv[1:]
def note(what):
    with open(os.path.join(folder, "notes"), "a") as notes:
        notes.write(f"{kind} {os.getpid()} {what}\\n")
def stop(*_):
    note("asked")
    if kind != "stubborn":
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("there")
if kind == "broken":
    sys.exit(3)
while True:
    time.sleep(0.05)
"""

PARENT = """
import logging, os, sys
from packmule.cli import supervisor
logging.basicConfig(format="%(message)s", level="INFO", stream=sys.stderr)
folder, drain, *kinds = sys.argv[1:]
program = folder + "/python"
os.symlink(sys.executable, program)
children = {kind: [program, "-c", CHILD, folder, kind] for kind in kinds}
started = supervisor.Supervisor(children, {}, drain_timeout=float(drain))
sys.exit(started.run(lambda: os.path.exists(folder + '/ready'), lambda: logging.info("ready")))
"""


class Family:
    """A supervisor in a process of its own, and what its children noted."""

    def __init__(self, folder: Path, *kinds: str, drain: float) -> None:
        self._kinds = kinds
        self._ready = folder / "ready"
        self._notes = folder / "notes"
        self._log = folder / "log"
        code = f"CHILD = {CHILD!r}\n{PARENT}"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, str(folder), str(drain), *kinds], stderr=log
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def notes(self, kind: str, what: str) -> list[int]:
        """List the ids of the processes of a kind that noted this."""
        text = self._notes.read_text() if self._notes.exists() else ""
        found = (line.split() for line in text.splitlines())
        return [int(pid) for of, pid, noted in found if (of, noted) == (kind, what)]

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def until_ready(self) -> None:
        """Wait for the children, and then have the supervisor find them ready."""
        self.until(lambda: all(self.notes(kind, "there") for kind in self._kinds))
        self._ready.touch()
        self.until(lambda: "ready" in self.log)

    def signal(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def is_gone(self, pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Family]]:
    """Give a function that starts a family."""
    families: list[Family] = []

    def begin(*kinds: str, drain: float = PATIENCE) -> Family:
        families.append(Family(tmp_path, *kinds, drain=drain))
        return families[-1]

    yield begin
    for family in families:
        if family.process.poll() is None:
            family.process.kill()
        family.process.wait()
        for kind in ("quick", "other", "stubborn"):
            for pid in family.notes(kind, "there"):
                if not family.is_gone(pid):
                    os.kill(pid, signal.SIGKILL)


def test_children_are_asked_to_stop_and_waited_for(start: Callable[..., Family]) -> None:
    family = start("quick", "other")
    family.until_ready()
    family.signal()
    assert family.process.wait(PATIENCE) == 0
    assert len(family.notes("quick", "asked")) == len(family.notes("other", "asked")) == 1


def test_a_child_that_died_is_started_again_and_the_other_left_alone(
    start: Callable[..., Family],
) -> None:
    family = start("quick", "other")
    family.until_ready()
    os.kill(family.notes("quick", "there")[0], signal.SIGKILL)
    family.until(lambda: len(family.notes("quick", "there")) == 2)
    assert len(family.notes("other", "there")) == 1
    assert "child ended name=quick signal=9 restart_in=" in family.log
    family.signal()
    assert family.process.wait(PATIENCE) == 0


def test_a_child_that_cannot_be_started_again_is_tried_later_and_the_other_left_alone(
    start: Callable[..., Family], tmp_path: Path
) -> None:
    family = start("quick", "other")
    family.until_ready()
    program, away = tmp_path / "python", tmp_path / "away"
    program.rename(away)
    os.kill(family.notes("quick", "there")[0], signal.SIGKILL)
    family.until(lambda: "child not started name=quick" in family.log)
    away.rename(program)
    family.until(lambda: len(family.notes("quick", "there")) == 2)
    assert len(family.notes("other", "there")) == 1
    family.signal()
    assert family.process.wait(PATIENCE) == 0


def test_what_cannot_start_ends_all(start: Callable[..., Family]) -> None:
    family = start("quick", "broken")
    assert family.process.wait(PATIENCE) == 1
    assert "child ended name=broken exit_code=3" in family.log
    assert all(map(family.is_gone, family.notes("quick", "there")))


def test_a_child_that_does_not_end_in_time_is_killed(start: Callable[..., Family]) -> None:
    family = start("quick", "stubborn", drain=0.3)
    family.until_ready()
    family.signal()
    assert family.process.wait(PATIENCE) == 0
    assert "drain timed out" in family.log
    assert all(map(family.is_gone, family.notes("stubborn", "there")))


def test_a_second_signal_kills_at_once(start: Callable[..., Family]) -> None:
    family = start("stubborn")
    family.until_ready()
    family.signal()
    family.until(lambda: family.notes("stubborn", "asked"))
    family.signal()
    assert family.process.wait(PATIENCE) == 130
    assert all(map(family.is_gone, family.notes("stubborn", "there")))
