"""Two network namespaces and the emulated link between them.

Owns compiling and running `link.c`, and the namespaces, which live as long as a process in each.
Needs root, /dev/net/tun, gcc, and `ip`, `nsenter` and `unshare` from iproute2 and util-linux.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import end_tree
from bench.wan.cases import Path as Way

CLIENT = "198.18.0.1"  # RFC 2544: addresses for benchmarks
NETWORK = "198.18.0.0/15"
DEVICES = ("wan-client", "wan-server")
PROGRAMS = {"gcc": "gcc", "ip": "iproute2", "nsenter": "util-linux", "unshare": "util-linux"}
START_SECONDS = 10.0
# Each run begins as if nobody had ever connected: no figures of earlier connections are reused.
FORGET = "echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save"


def host_address(number: int) -> str:
    """Return the address of a host, counted from 0."""
    return f"198.18.0.{2 + number}"


def obstacle() -> str | None:
    """Return why there can be no emulated link here, or None."""
    missing = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if missing:
        return f"it needs {', '.join(sorted(missing))}: apt-get install {' '.join(sorted(missing))}"
    if os.geteuid() != 0:
        return "it needs root, for network namespaces and TUN devices"
    if not Path("/dev/net/tun").exists():
        return "it needs /dev/net/tun, which this machine does not have"
    return None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace, held by a process that sleeps."""

    pid: int

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs a program inside."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *words]

    def received_bytes(self) -> int:
        """Return how many bytes have come in over the link."""
        for line in Path(f"/proc/{self.pid}/net/dev").read_text().splitlines():
            name, _, figures = line.partition(":")
            if name.strip() in DEVICES:
                return int(figures.split()[0])
        return 0


@dataclass(frozen=True, slots=True)
class Network:
    """The client's and the servers' side."""

    client: Namespace
    server: Namespace


def compile_link(folder: Path) -> Path:
    """Compile the link; return the program."""
    program = folder / "link"
    source = Path(__file__).with_name("link.c")
    _run("gcc", "-O2", "-Wall", "-pthread", "-o", str(program), str(source))
    return program


@contextmanager
def linked(program: Path, paths: Sequence[Way]) -> Iterator[Network]:
    """Join two new namespaces by a link with one path for each host, until the block ends."""
    hosts = [host_address(number) for number in range(len(paths))]
    with _namespace() as client, _namespace() as server:
        joined = (client, server)
        # The devices are born outside, where their names must not meet those of another run.
        names = [f"wan{side}{os.getpid()}" for side in "cs"]
        words = [_path_words(host, path) for host, path in zip(hosts, paths, strict=True)]
        with _process(str(program), *names, *words) as process:
            _wait_until_ready(process)
            for name, device, space in zip(names, DEVICES, joined, strict=True):
                _run("ip", "link", "set", name, "netns", str(space.pid))
                _run(*space.command("ip", "link", "set", name, "name", device))
                _run(*space.command("sh", "-c", FORGET))
                _run(*space.command("ip", "link", "set", "lo", "up"))
                up = ["ip", "link", "set", device, "up", "mtu", "1500", "txqueuelen", "5000"]
                _run(*space.command(*up))
            _run(*client.command("ip", "addr", "add", CLIENT, "dev", DEVICES[0]))
            _run(*client.command("ip", "route", "add", NETWORK, "dev", DEVICES[0]))
            for host in hosts:
                _run(*server.command("ip", "addr", "add", host, "dev", DEVICES[1]))
            _run(*server.command("ip", "route", "add", CLIENT, "dev", DEVICES[1]))
            yield Network(client, server)


def _path_words(host: str, path: Way) -> str:
    figures = (path.rtt_ms, path.rate_mbit, path.flow_mbit, path.loss_percent, path.queue_ms)
    return ",".join([host, *(f"{figure:g}" for figure in figures)])


@contextmanager
def _namespace() -> Iterator[Namespace]:
    """Hold a namespace of its own until the block ends."""
    ours = Path("/proc/self/ns/net").readlink()
    with _process("unshare", "--net", "sleep", "infinity") as process:
        deadline = time.monotonic() + START_SECONDS
        while Path(f"/proc/{process.pid}/ns/net").readlink() == ours:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("unshare could not make a network namespace")
            time.sleep(0.01)
        yield Namespace(process.pid)


@contextmanager
def _process(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the block ends."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        end_tree(process)
        if process.stdout:
            process.stdout.close()


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the link's word; it says itself what is wrong."""
    if not process.stdout or process.stdout.readline() != b"ready\n":
        raise SystemExit("the emulated link did not start")


def _run(*command: str) -> None:
    """Run a program that is to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip() or 'failed'}")
