"""The works: what every contestant has to fetch and pack.

Owns the list of works and their sizes; making the data is `data.py`'s, serving it `origin.py`'s.
"""

from dataclasses import dataclass
from enum import StrEnum

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class Door(StrEnum):
    """The way into the origin that a work takes."""

    PLAIN = "plain HTTP"
    TLS = "TLS 1.3"
    TLS_H2 = "TLS 1.3, HTTP/2 offered"
    LATENCY = "50 ms of latency a request"


@dataclass(frozen=True, slots=True)
class Files:
    """A set of files of one size, in bytes."""

    count: int
    size: int

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.count * self.size

    @property
    def folder(self) -> str:
        """Name the set's folder; equal sets share it."""
        return f"{self.count}x{self.size}"

    @property
    def suffix(self) -> str:
        """Big files pose as films and small ones as photos, which nobody would compress again."""
        return ".mp4" if self.size >= MIB else ".jpg"

    def names(self) -> list[str]:
        """Name the files."""
        return [f"{number:06d}{self.suffix}" for number in range(1, self.count + 1)]


@dataclass(frozen=True, slots=True)
class Work:
    """Files behind a door.

    `at_once` is how many transfers curl and aria2 are told to run: what served them best.
    """

    name: str
    files: Files
    door: Door
    at_once: int

    @property
    def title(self) -> str:
        """Describe the workload."""
        return f"{self.files.count:,} x {size_words(self.files.size)}, {self.door.value}"


def size_words(size: int) -> str:
    """Return a file's size in the largest unit that fits."""
    for unit, word in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {word}"
    return f"{size} B"


BIG = Files(64, 64 * MIB)
ONE = Files(1, 4 * GIB)
SMALL = Files(10_000, 10 * KIB)
FAR = Files(200, 100 * KIB)

WORKS = (
    Work("A", BIG, Door.PLAIN, 8),
    Work("B", ONE, Door.PLAIN, 8),
    Work("C", SMALL, Door.PLAIN, 16),
    Work("D", FAR, Door.LATENCY, 64),
    Work("A-tls", BIG, Door.TLS, 8),
    Work("C-tls", SMALL, Door.TLS, 16),
    Work("A-h2", BIG, Door.TLS_H2, 8),
    Work("C-h2", SMALL, Door.TLS_H2, 16),
)
USUAL = ("A", "B", "C", "D", "A-tls", "C-tls")


def scaled(work: Work, scale: float) -> Work:
    """Shrink a work for a trial: big files become smaller, small ones fewer."""
    if scale == 1:
        return work
    files = work.files
    if files.size >= MIB:
        files = Files(files.count, max(int(files.size * scale), 4 * KIB))
    else:
        files = Files(max(int(files.count * scale), 1), files.size)
    return Work(work.name, files, work.door, work.at_once)
