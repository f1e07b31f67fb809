"""An engine to try the image with: the one that answers, or one of our own.

Owns starting it and leaving nothing behind: our own has its data, its socket and its bridge to
itself, changes no firewall, and is stopped by its process id. `missing` says why there is none.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Debian's client first: it has a builder inside, where another may lack its plugin.
CLIENT = shutil.which("/usr/bin/docker") or shutil.which("docker")
DAEMON = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
START = 60.0
"""Seconds that an engine is given to answer."""


class NoEngine(Exception):
    """There is no engine, and none can be started; the text says why."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers. `gateway` is this machine's address as a container sees it."""

    gateway: str
    environment: dict[str, str] = field(repr=False)
    is_ours: bool

    def run(self, *command: str, feed: Path | None = None, check: bool = True) -> str:
        """Run a command of the client, and give what it printed; `feed` is its input."""
        assert CLIENT is not None
        return self.run_program(CLIENT, *command, feed=feed, check=check)

    def run_program(
        self,
        *command: str,
        feed: Path | None = None,
        check: bool = True,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program that speaks to this engine, and give what it printed."""
        with (feed or Path(os.devnull)).open("rb") as stdin:
            done = subprocess.run(
                command,
                stdin=stdin,
                env=self.environment | dict(variables or {}),
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr


@contextmanager
def engine() -> Iterator[Engine]:
    """Give the engine that answers, or one of our own until the end of the context."""
    if CLIENT is None:
        raise NoEngine("there is no docker")
    if _answers(dict(os.environ)):
        yield _engine(dict(os.environ), is_ours=False)
        return
    if DAEMON is None:
        raise NoEngine("no engine answers, and there is no dockerd to start")
    if os.geteuid() != 0:
        raise NoEngine("no engine answers, and only root may start one")
    with (
        tempfile.TemporaryDirectory(prefix="packmule-engine-") as name,
        _bridge() as bridge,
        _daemon(Path(name), bridge) as environment,
    ):
        yield _engine(environment, is_ours=True)


def _engine(environment: dict[str, str], *, is_ours: bool) -> Engine:
    found = Engine("", environment | {"DOCKER_BUILDKIT": "1"}, is_ours)
    network = json.loads(found.run("network", "inspect", "bridge"))[0]
    return Engine(network["IPAM"]["Config"][0]["Gateway"], found.environment, is_ours)


def _answers(environment: dict[str, str]) -> bool:
    assert CLIENT is not None
    asked = subprocess.run(
        [CLIENT, "info", "--format", "{{.ServerVersion}}"],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return asked.returncode == 0


@contextmanager
def _bridge() -> Iterator[tuple[str, str]]:
    """Make a bridge that is no other engine's; give its name and its network."""
    number = random.randrange(1, 255)
    name = f"packmule{number}"
    commands = [
        ["ip", "link", "add", name, "type", "bridge"],
        ["ip", "address", "add", f"10.213.{number}.1/24", "dev", name],
        ["ip", "link", "set", name, "up"],
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True)
        yield name, f"10.213.{number}.1"
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoEngine(f"no bridge can be made here: {error}") from error
    finally:
        subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


@contextmanager
def _daemon(folder: Path, bridge: tuple[str, str]) -> Iterator[dict[str, str]]:
    """Start a daemon in a folder; give the environment in which a client speaks to it."""
    assert DAEMON is not None
    socket = f"unix://{folder}/engine.sock"
    environment = dict(os.environ) | {"DOCKER_HOST": socket}
    environment["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    command = [DAEMON, "--host", socket, "--data-root", f"{folder}/data"]
    command += ["--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    command += ["--bridge", bridge[0], "--fixed-cidr", f"{bridge[1]}/24"]
    command += ["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START
        while not _answers(environment):
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").splitlines()[-1:]
                raise NoEngine(f"dockerd does not run here: {' '.join(last)}")
            time.sleep(0.2)
        yield environment
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # A daemon may leave the mount of its network namespace, and then its folder stays.
        for path in (folder / "exec" / "netns").glob("*"):
            subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
