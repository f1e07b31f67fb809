"""The machine in general terms: what a reader needs to judge the figures, and no name or path.

Owns reading /proc and /sys for the report.
"""

import os
import re
from pathlib import Path


def describe(folder: Path) -> dict[str, str]:
    """Describe cores, memory, kernel and the disk that `folder` is on."""
    kernel = re.match(r"[\d.]+", os.uname().release)
    return {
        "processor": f"{os.cpu_count()} cores ({_processor()}, {os.uname().machine})",
        "memory": f"{_memory() / 1e9:.0f} GB",
        "kernel": f"{os.uname().sysname} {kernel.group() if kernel else 'unknown'}",
        "disk": _disk(folder),
    }


def _processor() -> str:
    """Name the processor's model."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1).strip() if found else "unknown model"


def _memory() -> int:
    """Return the memory in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _disk(folder: Path) -> str:
    """Return the kind of disk and file system a folder is on."""
    device = folder.stat().st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == name:
            return f"{_kind(Path('/sys/dev/block') / name)}, {after.split()[0]}"
    return "unknown"


def _kind(device: Path) -> str:
    """Return whether a block device is virtual, rotational, or neither."""
    if not device.exists():
        return "no disk of its own"
    path = device.resolve()
    # A partition's queue is its disk's.
    disk = path if (path / "queue").exists() else path.parent
    if disk.name.startswith(("vd", "xvd")):
        return "virtual disk"
    if disk.name.startswith("nvme"):
        return "NVMe disk"
    rotational = disk / "queue/rotational"
    turns = rotational.exists() and rotational.read_text().strip() == "1"
    return "hard disk" if turns else "solid-state or logical disk"
