"""Running a contestant's commands and measuring them: time, CPU, memory.

Owns how a figure is taken. Wall time and CPU are of the whole process tree: from before the first
command starts until the last has ended; CPU is user and system time of the tree (wait4(2)). Memory
is the tree's greatest sum of Pss, looked at 20 times a second and at first more often.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.processes import end_tree, tree_memory

SAMPLE_SECONDS = 0.05
FIRST_SAMPLE_SECONDS = 0.005
TAIL_BYTES = 600


class RunError(Exception):
    """A contestant did not do its work; the text says which command and what it said."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a contestant, the folder it runs in, and variables of its own."""

    command: Sequence[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run took: seconds of wall time and CPU, bytes of memory at its peak."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


class MemoryWatch:
    """Look at a tree's memory until the block ends; end the tree when its time is over."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float = float("inf")) -> None:
        self.peak_bytes = 0
        self.overdue = False
        self._process = process
        self._deadline = deadline
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        """Sample until told to stop; at first more often, for runs that are soon over."""
        pause = FIRST_SAMPLE_SECONDS
        while not self._stop.wait(pause):
            pause = min(2 * pause, SAMPLE_SECONDS)
            self.peak_bytes = max(self.peak_bytes, tree_memory(self._process.pid))
            if time.monotonic() > self._deadline and not self.overdue:
                self.overdue = True
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)


def run_steps(
    steps: Sequence[Step], environment: Mapping[str, str], log: Path, limit_seconds: float
) -> Reading:
    """Run commands one after another as one measured run; raise RunError where one fails."""
    cpu_seconds = 0.0
    peak_bytes = 0
    begun = time.perf_counter()
    deadline = time.monotonic() + limit_seconds
    for step in steps:
        cpu, peak = _run(step, environment, log, deadline)
        cpu_seconds += cpu
        peak_bytes = max(peak_bytes, peak)
    return Reading(time.perf_counter() - begun, cpu_seconds, peak_bytes)


def _run(
    step: Step, environment: Mapping[str, str], log: Path, deadline: float
) -> tuple[float, int]:
    """Run one command to its end; return its tree's CPU seconds and peak bytes."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            step.command,
            cwd=step.folder,
            env={**environment, **step.variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with MemoryWatch(process, deadline) as watch:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        end_tree(process)
    program = Path(step.command[0]).name
    if watch.overdue:
        raise RunError(f"{program} was not done in time")
    if process.returncode:
        raise RunError(f"{program} ended with {process.returncode}: {tail(log)}")
    return usage.ru_utime + usage.ru_stime, watch.peak_bytes


def tail(log: Path) -> str:
    """Return the last of what a program printed, on one line."""
    return " ".join(log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").split())
