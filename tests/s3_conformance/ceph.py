"""Ceph's object gateway (RGW), from Debian's packages, without installing any of them.

Owns a cluster of one monitor, one OSD that keeps all in memory, and one gateway, in a folder of
its own. The packages are unpacked once, below the virtual environment, and nothing runs as a
service. One copy of everything, no authentication between the parts, 4 placement groups a pool.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.s3_conformance.absent import Absent
from tests.spec.service import a_free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES = ("radosgw", "ceph-mon", "ceph-osd")
_PATIENCE = 300.0

_OPTIONS = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon}
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
rgw data = {folder}/rgw
run dir = {folder}
log file = {folder}/$name.log
admin socket =
pid file =
public addr = 127.0.0.1
plugin dir = {libraries}/ceph
erasure code dir = {libraries}/ceph/erasure-code
osd class dir = {libraries}/rados-classes
"""


@contextmanager
def ceph(folder: Path) -> Iterator[str]:
    """Run a cluster and its gateway until the end of the context; give the gateway's URL."""
    cluster = _Cluster(_unpacked(), folder / "ceph")
    with ExitStack() as running:
        running.callback(cluster.stop)
        cluster.start()
        yield cluster.url


def _unpacked() -> Path:
    """Give the folder with the programs; they are fetched where they are not there yet."""
    root = Path(sys.prefix) / "ceph"
    if (root / "usr/bin/radosgw").exists():
        return root
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise Absent(f"its packages are Debian's, and there is no {program}")
    wanted = _said("apt-get", "-s", "install", "--no-install-recommends", *_PACKAGES)
    names = [line.split()[1] for line in wanted.splitlines() if line.startswith("Inst ")]
    packages = root.with_name("ceph-packages")
    packages.mkdir(exist_ok=True)
    # What is installed already is not listed, and is found where it is.
    _said("apt-get", "-q", "download", *names, folder=packages)
    unpacked = root.with_name("ceph-unpacked")
    for package in packages.glob("*.deb"):
        _said("dpkg", "-x", str(package), str(unpacked))
    shutil.rmtree(packages)
    unpacked.rename(root)
    return root


def _said(*line: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        line, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    if done.returncode:
        raise Absent(f"{' '.join(line[:2])}: {(done.stderr.strip() or 'failed').splitlines()[-1]}")
    return done.stdout


@dataclass
class _Cluster:
    root: Path
    folder: Path

    def __post_init__(self) -> None:
        self.mon, self.port = a_free_port(), a_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.fsid = str(uuid.uuid4())
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        libraries = self.root / f"usr/lib/{platform.machine()}-linux-gnu"
        for part in ("mon", "osd", "rgw"):
            (self.folder / part).mkdir(parents=True)
        options = self.folder / "ceph.conf"
        options.write_text(
            _OPTIONS.format(fsid=self.fsid, mon=self.mon, folder=self.folder, libraries=libraries)
        )
        beside = self.root / f"lib/{platform.machine()}-linux-gnu"
        self._environment = {
            **os.environ,
            "PATH": f"{self.root}/usr/bin:{self.root}/usr/sbin:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{libraries}:{libraries}/ceph:{beside}",
            # The program `ceph` is Debian's Python's.
            "PYTHONPATH": f"{self.root}/usr/lib/python3/dist-packages",
            "CEPH_CONF": str(options),
        }

    def start(self) -> None:
        monmap, osd = self.folder / "monmap", str(uuid.uuid4())
        address = f"[v1:127.0.0.1:{self.mon}]"
        self._run("monmaptool", "--create", "--addv", "a", address, "--fsid", self.fsid, monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._begin("ceph-mon", "-f", "-i", "a")
        until(lambda: self._listens(self.mon), "the monitor listens")
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._begin("ceph-osd", "-f", "-i", "0")
        names = ("--uid", "packmule", "--display-name", "packmule")
        keys = ("--access-key", "packmule", "--secret", "no secret")
        self._run("radosgw-admin", "user", "create", *names, *keys)
        frontend = f"beast endpoint=127.0.0.1:{self.port}"
        self._begin("radosgw", "-f", "-n", "client.rgw", "--rgw-frontends", frontend)
        until(lambda: self._listens(self.port), "the gateway listens", seconds=_PATIENCE)

    def stop(self) -> None:
        for process in reversed(self._running.values()):
            process.kill()
            process.wait(30)

    def _run(self, *line: str | Path) -> None:
        done = subprocess.run(
            [str(each) for each in line],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            raise Absent(f"{line[0]} failed: {done.stderr.strip()[-500:]}")

    def _begin(self, *line: str) -> None:
        with (self.folder / f"{line[0]}.out").open("wb") as log:
            self._running[line[0]] = subprocess.Popen(
                line, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _listens(self, port: int) -> bool:
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Absent(f"{name} ended by itself")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
        return False
