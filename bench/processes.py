"""Process trees as /proc shows them: who belongs to one, what it holds and has used, its end.

Owns reading and ending trees of processes that the benchmark itself started.
"""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")
GRACE_SECONDS = 5.0
# What a process holds: its share of shared pages, and huge pages, which Pss leaves out.
HELD = (b"Pss:", b"Shared_Hugetlb:", b"Private_Hugetlb:")
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def tree(root: int) -> list[int]:
    """List a process and its living descendants (proc_pid_children(5))."""
    found = [root]
    for pid in found:
        with contextlib.suppress(*GONE):
            for task in (PROC / str(pid) / "task").iterdir():
                with contextlib.suppress(*GONE):
                    found.extend(map(int, (task / "children").read_bytes().split()))
    return found


def tree_memory(root: int) -> int:
    """Sum what the tree holds, in bytes, shared pages counted once (proc_pid_smaps_rollup)."""
    return sum(_memory(pid) for pid in tree(root))


def _memory(pid: int) -> int:
    """Return the memory of one process in bytes; 0 if it is gone."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
    except GONE:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(HELD))


def tree_cpu(root: int) -> float:
    """Sum the CPU seconds the tree has used, children that ended included (proc_pid_stat(5))."""
    return sum(_cpu(pid) for pid in tree(root))


def _cpu(pid: int) -> float:
    """Return the CPU seconds of one process and of its reaped children."""
    # Fields 14 to 17 are utime, stime, cutime, cstime.
    return sum(map(int, _stat(pid)[11:15])) / TICK


def _born(pid: int) -> str | None:
    """Return when a process started, which with its PID identifies it; None if it is gone."""
    fields = _stat(pid)
    return fields[19] if fields else None


def _stat(pid: int) -> list[str]:
    """Read proc_pid_stat(5) from its third field on; empty for a process that is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except GONE:
        return []
    return stat.rpartition(")")[2].split()  # the second field, in brackets, may hold anything


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process started in a session of its own, with all it started: ask, then insist."""
    members = {pid: _born(pid) for pid in tree(process.pid)}
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal_group(process.pid, signal.SIGKILL)
    for pid, born in members.items():
        # One that made a session of its own is not in the group.
        if pid != process.pid and born is not None and _born(pid) == born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    """Signal a process group that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
