"""What must be made before the readers can run: classes, a Go program, packages from npm.

Owns making it once for this state of the adapters, in the virtual environment's folder, whoever of
several processes comes first. Leaves installing programs to the system.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fakes.node import install

ADAPTERS = Path(__file__).with_name("adapters")
_JARS = ("commons-compress", "zip4j")
_SECONDS = 600


def missing(needs: tuple[str, ...]) -> str | None:
    """Name the first program or file that is not there."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    for need in needs:
        found = (
            list(Path("/").glob(need[1:]))
            if need.startswith("/")
            else shutil.which(need, path=search)
        )
        if not found:
            return need
    return None


def built() -> Path:
    """Give the folder with what was made; make it where it is missing or of other adapters."""
    state = hashlib.sha256()
    for path in sorted(path for path in ADAPTERS.rglob("*") if path.is_file()):
        state.update(path.read_bytes())
    folder = Path(sys.prefix) / "readers"
    folder.mkdir(exist_ok=True)
    stamp = folder / "stamp"
    tools = [tool for tool in ("javac", "go", "node", "npm") if shutil.which(tool)]
    tools += [jar for jar in _JARS if Path(f"/usr/share/java/{jar}.jar").exists()]
    wanted = f"{state.hexdigest()} {' '.join(tools)}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _make(folder, tools)
            stamp.write_text(wanted)
    return folder


def _make(folder: Path, tools: list[str]) -> None:
    if "javac" in tools:
        _make_java(folder, [jar for jar in _JARS if jar in tools])
    if "go" in tools:
        environment = {"GO111MODULE": "off", "GOCACHE": str(folder / "go-cache")}
        _run("go", "build", "-o", folder / "go", ADAPTERS / "go/main.go", **environment)
    if {"node", "npm"} <= set(tools):
        install(ADAPTERS / "node", folder / "node")


def _make_java(folder: Path, jars: list[str]) -> None:
    wanted = [*ADAPTERS.glob("java/Jdk*.java"), ADAPTERS / "java/Tell.java"]
    for jar, prefix in (("commons-compress", "Commons"), ("zip4j", "Zip4j")):
        if jar in jars:
            wanted += ADAPTERS.glob(f"java/{prefix}*.java")
    path = os.pathsep.join(f"/usr/share/java/{jar}.jar" for jar in jars) or "."
    _run("javac", "-cp", path, "-d", folder / "java", *wanted)


def _run(*command: object, **environment: str) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
