"""The programs the contestants need, and which versions they are.

Owns finding the system's, installing the libraries (Python's into an environment of their own,
node's by `npm ci`), and naming versions for the report.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
NEEDED = {
    "nginx": "nginx",
    "openssl": "openssl",
    "curl": "curl",
    "aria2c": "aria2",
    "zip": "zip",
    "node": "nodejs",
    "npm": "npm",
}
VERSION = re.compile(r"\d+(?:\.\d+)+")
PYTHON_PEERS = ("aiohttp", "httpx", "requests", "stream-zip", "zipstream-ng")
NODE_PEERS = ("archiver", "undici", "yazl")


@dataclass(frozen=True, slots=True)
class Equipment:
    """Where the peers' Python and the node scripts are, and our own program."""

    python: Path
    node: Path
    program: Path


def provide(folder: Path) -> Equipment:
    """Find and install what is needed; say in plain words what is missing."""
    missing = [package for program, package in NEEDED.items() if not shutil.which(program)]
    if missing:
        raise SystemExit(
            f"The benchmark needs {', '.join(missing)}: apt-get install {' '.join(missing)}"
        )
    return Equipment(_python(folder), _node(folder), our_program())


def our_program() -> Path:
    """Find the program beside this Python, which is not resolved: it links to the system's."""
    return Path(sys.executable).parent / "packmule"


def _python(folder: Path) -> Path:
    """Install the Python peers; return their interpreter."""
    lock = BENCH / "requirements.lock"
    python, stamp = folder / "venv/bin/python", folder / "venv/lock"
    if not _same(stamp, lock):
        _install([sys.executable, "-m", "venv", "--clear", str(folder / "venv")], folder)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _install([*pip, "--require-hashes", "-r", str(lock)], folder)
        shutil.copyfile(lock, stamp)
    return python


def _node(folder: Path) -> Path:
    """Install the node peers beside their scripts; return the folder."""
    node = folder / "node"
    shutil.copytree(BENCH / "peers/node", node, dirs_exist_ok=True)
    lock, stamp = BENCH / "peers/node/package-lock.json", node / "node_modules/.lock"
    if not _same(stamp, lock):
        _install(["npm", "ci", "--no-progress"], node)
        shutil.copyfile(lock, stamp)
    return node


def _same(stamp: Path, lock: Path) -> bool:
    """Return whether what is installed is what the lock file says."""
    return stamp.exists() and stamp.read_bytes() == lock.read_bytes()


def _install(command: list[str], folder: Path) -> None:
    """Run an installer, quietly unless it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{Path(command[0]).name} could not install the peers:\n{done.stderr}")


def versions(equipment: Equipment) -> dict[str, str]:
    """Name the versions of all contestants and of what they stand on."""
    found = {
        "packmule": _ours(equipment.program),
        "python": _version([sys.executable, "--version"]),
        "nginx": _version(["nginx", "-v"]),
        "openssl": _version(["openssl", "version"]),
        "curl": _version(["curl", "--version"]),
        "dd": _version(["dd", "--version"]),
        "aria2": _version(["aria2c", "--version"]),
        "zip": _version(["zip", "-v"], r"Zip (\d+\.\d+)"),
        "node": _version(["node", "--version"]),
    }
    script = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    python = _said([str(equipment.python), "-c", script, *PYTHON_PEERS]).split()
    found |= dict(zip(PYTHON_PEERS, python, strict=True))
    for name in NODE_PEERS:
        package = equipment.node / "node_modules" / name / "package.json"
        found[name] = json.loads(package.read_text())["version"]
    return found


def _ours(program: Path) -> str:
    """Name our version and the commit it is of."""
    if not program.exists():
        return "not installed"
    commit = _said(["git", "-C", str(BENCH), "describe", "--always", "--dirty=, changed"])
    return f"{_version([str(program), '--version'])} ({commit.strip() or 'no commit'})"


def _version(command: list[str], pattern: str = VERSION.pattern) -> str:
    """Find the version in what a program says of itself."""
    found = re.search(pattern, _said(command))
    return found.group(found.re.groups) if found else "unknown"


def _said(command: list[str]) -> str:
    """Return what a program prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
