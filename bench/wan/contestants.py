"""Who fetches a case's files, and by which command.

Owns the peers' and our command lines. The peers save files; ours makes an archive of them.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.wan.cases import MB, Case
from bench.wan.network import NETWORK, host_address

UNKNOWN, KNOWN, FETCH = "pack", "pack-known", "fetch"
OURS = (UNKNOWN, KNOWN, FETCH)
KNOWN_CONNECTIONS = 128
FEW = 8
PROGRAMS = {"curl": "curl", "aria2c": "aria2", "wget2": "wget2", "rclone": "rclone"}


@dataclass(frozen=True, slots=True)
class Task:
    """What to fetch: links by name; where to; the certificate authority to trust."""

    case: Case
    urls: Mapping[str, str]
    folder: Path
    authority: Path

    def write(self, name: str, text: str) -> str:
        """Write a file that a program reads its links from; return its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

    @property
    def output(self) -> Path:
        """The folder, or the archive, that is made."""
        return self.folder / "out"

    @property
    def large(self) -> bool:
        """Return whether a program does well to split each file."""
        return min(files.least for _, files in self.case.hosts) >= 10 * MB


Words = Callable[[Task], list[str]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program with its options. Those of `packs` make an archive instead of files."""

    name: str
    title: str
    words: Words
    packs: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Return whether it is Packmule."""
        return self.name in OURS


def contestants(case: Case, program: Path) -> list[Contestant]:
    """List who takes part in a case."""
    if case.archive:
        return [
            Contestant(FETCH, "**packmule fetch**", _fetch(program)),
            Contestant("curl", "`curl`", _curl(1, "1.1")),
            Contestant("aria2", "`aria2c -x8 -s8`", _aria2(8, 1)),
            Contestant("aria2-16", "`aria2c -x16 -s16`", _aria2(16, 1)),
            Contestant("wget2", "`wget2 --max-threads=50`", _wget2),
        ]
    ours = [Contestant(UNKNOWN, "**packmule pack**", _pack(program), packs=True)]
    hosts = [host_address(number) for number in range(len(case.hosts))]
    if case.limit is None:
        said = ",".join(f"{host}={KNOWN_CONNECTIONS}" for host in hosts)
        known = {"PACKMULE_HOST_LIMITS": said}
        title = "**packmule pack**, hosts known to bear 128"
        ours.append(Contestant(KNOWN, title, _pack(program), packs=True, variables=known))
    return [*ours, *_peers(case)]


def _peers(case: Case) -> list[Contestant]:
    counts = sorted({min(count, case.count) for count in (50, 128)})
    # A program that is told the limit does as well as anybody could.
    if case.limit:
        counts.insert(0, case.limit.connections)
    protocols = ("1.1", "2") if case.h2 else ("1.1",)
    peers = [
        Contestant(f"curl-{count}{'-h2' if version == '2' else ''}",
                   f"`curl -Z --parallel-max {count} --http{version}`", _curl(count, version))
        for count in counts
        for version in protocols
    ]  # fmt: skip
    peers.append(Contestant("aria2", "`aria2c -x16 -s16 -j16`", _aria2(16, 16)))
    if case.limit:
        most = case.limit.connections
        each, files = (most, 1) if case.count == 1 else (1, most)
        title = f"`aria2c -x{each} -s{each} -j{files}`"
        peers.append(Contestant("aria2-limit", title, _aria2(each, files)))
    peers.append(Contestant("wget2", "`wget2 --max-threads=50`", _wget2))
    if case.count <= FEW:
        # It takes one link a process, which for many would only measure starting it.
        peers.append(Contestant("rclone", "`rclone copyurl`", _rclone))
    return peers


def missing_packages() -> list[str]:
    """List the packages of peers that are not installed."""
    return [package for program, package in PROGRAMS.items() if not shutil.which(program)]


def _pack(program: Path) -> Words:
    def words(task: Task) -> list[str]:
        links = task.write("links.txt", "".join(f"{url}\n" for url in task.urls.values()))
        allowed = ["--allow-network", NETWORK]
        return [str(program), "pack", "-q", *allowed, "-i", links, "-o", str(task.output)]

    return words


def _fetch(program: Path) -> Words:
    def words(task: Task) -> list[str]:
        ((name, url),) = task.urls.items()
        server = url.partition("/archive/")[0]
        out = str(task.output / name)
        return [str(program), "fetch", url, "-q", "--server", server, "-o", out]

    return words


def _curl(count: int, version: str) -> Words:
    def words(task: Task) -> list[str]:
        out = task.output
        each = (f'url = "{url}"\noutput = "{out / name}"\n' for name, url in task.urls.items())
        config = task.write("curl.conf", "".join(each))
        options = ["-sS", "--fail", "--cacert", str(task.authority), f"--http{version}"]
        at_once = ["-Z", "--parallel-max", str(count), "--create-dirs"]
        return ["curl", *options, *at_once, "-K", config]

    return words


def _aria2(each: int, files: int) -> Words:
    def words(task: Task) -> list[str]:
        lines = (f"{url}\n out={name}\n" for name, url in task.urls.items())
        links = task.write("aria2.txt", "".join(lines))
        at_once = [f"-x{each}", f"-s{each}", f"-j{files}", "--file-allocation=none"]
        trust = f"--ca-certificate={task.authority}"
        return ["aria2c", "-q", *at_once, trust, "-d", str(task.output), "-i", links]

    return words


def _wget2(task: Task) -> list[str]:
    links = task.write("wget2.txt", "".join(f"{url}\n" for url in task.urls.values()))
    at_once = ["--max-threads=50", *(["--chunk-size=16M"] if task.large else [])]
    options = ["-q", "--robots=off", "--no-hsts", f"--ca-certificate={task.authority}"]
    return ["wget2", *options, *at_once, "-P", str(task.output), "-i", links]


def _rclone(task: Task) -> list[str]:
    lines = (f"{url} {task.output / name}\n" for name, url in task.urls.items())
    links = task.write("rclone.txt", "".join(lines))
    each = ["rclone", "copyurl", "--config=", f"--ca-cert={task.authority}"]
    return ["xargs", "-a", links, "-P", str(FEW), "-L1", *each]
