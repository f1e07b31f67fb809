"""`python -m tests.s3_large.run --gb N`: a large archive through little scratch and memory.

--memory MB  runs the service in a container's limit of so many megabytes (as root)

The job is in PostgreSQL, as in a fleet. Owns the files of such an archive (one of a quarter of it,
some of 256 MB, many of 5 MB, many small), the measuring, and the proof that every byte is right:
the CRC-32 of each part that the store has is compared with what it must be by the files and their
order in the central directory.
"""

from __future__ import annotations

import argparse
import io
import json
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from isal.isal_zlib import crc32
from tests.fakes.memory_limit import memory_limit
from tests.fakes.postgres_server import PostgresServer
from tests.s3_large.origin import checksum
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

MB = 1_000_000
MOST_SCRATCH = 1_000 * MB
MOST_MEMORY = 300 * MB
# The parts whose bytes the store keeps: the central directory may begin in the first of them.
_LAST = 2
_TIME_TAG = 0x5455


@dataclass
class Figures:
    """What was measured, in bytes and seconds, and what was wrong."""

    size: int = 0
    seconds: float = 0.0
    scratch: int = 0
    memory: int = 0
    parts: int = 0
    limit: int | None = None
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Say it in one line."""
        right = "every byte right" if not self.problems else "; ".join(self.problems)
        limit = "" if self.limit is None else f" in a limit of {self.limit / MB:,.0f} MB"
        return (
            f"s3-large: {self.size / 1e9:.2f} GB in {self.seconds:.0f} s, {self.parts:,} parts; "
            f"scratch at most {self.scratch / MB:,.0f} MB, worker's memory {self.memory / MB:,.0f} "
            f"MB{limit}; {right}"
        )


def sizes(total: int) -> list[int]:
    """Give the files' sizes."""
    found = [total // 4]
    while sum(found) < total * 3 // 4:
        found.append(min(256 * MB, total // 8))
    while sum(found) < total:
        found += [5 * MB, 300_000, 20_000, 7]
    return found


@contextmanager
def running(module: str) -> Iterator[int]:
    """Run a server of ours in a process of its own, and give its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


class Gauge:
    """Looks again and again how much the scratch takes and how much memory was ever used."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.scratch = self.memory = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        folder = self._service.folder / "data/scratch"
        processes = self._service.processes()
        while not self._ended.wait(0.02):
            taken = 0
            for path in folder.glob("*/*"):
                with suppress(FileNotFoundError):
                    taken += path.stat().st_blocks * 512
            self.scratch = max(self.scratch, taken)
            for process in processes:
                with suppress(OSError):
                    self.memory = max(self.memory, _peak(process))


def _peak(process: int) -> int:
    """Read the most memory that a process has ever used."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def play(
    total: int, folder: Path, most_scratch: int = MOST_SCRATCH, most_memory: int | None = None
) -> Figures:
    """Have an archive of so many bytes made, and look at it; `most_memory` is a limit in bytes."""
    figures = Figures(limit=most_memory)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        origin = stack.enter_context(running("tests.s3_large.origin"))
        sink = stack.enter_context(running("tests.s3_large.sink"))
        files = sizes(total)
        links = [
            {"url": f"http://127.0.0.1:{origin}/{n}/{size}", "name": f"{n}.bin"}
            for n, size in enumerate(files)
        ]
        database = stack.enter_context(PostgresServer())
        service = stack.enter_context(
            Service(
                folder,
                DATABASE_URL=database.create("large"),
                STORAGE_URL="s3://bucket/large",
                MAX_SCRATCH_BYTES=str(most_scratch),
                MAX_URLS=str(len(links)),
                MAX_FILE_BYTES=str(max(files) + 1),
            )
        )
        service.environment |= {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{sink}",
            "AWS_ACCESS_KEY_ID": "packmule",
            "AWS_SECRET_ACCESS_KEY": "no secret",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        if most_memory is not None:
            limit = stack.enter_context(memory_limit(most_memory))
            stack.callback(service.close)  # before its group is removed
            service.around = limit.around
        service.start()
        with Gauge(service) as gauge:
            began = time.monotonic()
            archive = service.create(*links, compression="store")
            found: dict[str, Any] = {}

            def has_ended() -> bool:
                found.update(service.status(archive, wait=5))
                return bool(found["status"] != "in-progress")

            until(has_ended, "an archive", 120 + total / (10 * MB))
            figures.seconds = time.monotonic() - began
        figures.scratch, figures.memory = gauge.scratch, gauge.memory
        if most_memory is not None and (kills := limit.kills()):
            figures.problems.append(f"{kills} processes were killed for want of memory")
        if found["status"] != "completed":
            figures.problems.append(f"the job has {found['status']}: {found}"[:400])
            return figures
        judge(figures, sink, files)
    return figures


def judge(figures: Figures, sink: int, files: list[int]) -> None:
    """Compare what the store has with what it must have."""
    with urllib.request.urlopen(f"http://127.0.0.1:{sink}/bucket/sums") as answer:
        sums = json.load(answer)
    ((key, parts),) = (
        (key, parts) for key, parts in sums["objects"].items() if key.endswith(".zip")
    )
    figures.size = sum(size for size, _ in parts)
    figures.parts = len(parts)
    if sums["puts"] != len(parts):
        figures.problems.append(f"{sums['puts']} parts were sent for {len(parts)}")
    if sums["uploads"]:
        figures.problems.append("an upload is left over")
    start = figures.size - sum(size for size, _ in parts[-_LAST:])
    asked = urllib.request.Request(f"http://127.0.0.1:{sink}/bucket/{key}")
    asked.add_header("Range", f"bytes={start}-{figures.size - 1}")
    with urllib.request.urlopen(asked) as answer:
        last = answer.read()
    entries = _Tail(last, figures.size).entries()
    if len(entries) != len(files):
        figures.problems.append(f"{len(entries)} files instead of {len(files)}")
    figures.problems += _faults(entries, files, parts, last)


class _Tail(io.RawIOBase):
    """The last parts, for zipfile to read as if the rest were there."""

    def __init__(self, last: bytes, size: int) -> None:
        self._last = last
        self._size = size
        self._at = 0

    def entries(self) -> list[zipfile.ZipInfo]:
        """Read the central directory."""
        with zipfile.ZipFile(self) as archive:
            return sorted(archive.infolist(), key=lambda entry: entry.header_offset)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, length: int = -1) -> bytes:
        begin = self._at - (self._size - len(self._last))
        assert begin >= 0, "the central directory is not in the last parts"
        piece = self._last[begin : len(self._last) if length < 0 else begin + length]
        self._at += len(piece)
        return piece


def _faults(
    entries: list[zipfile.ZipInfo], files: list[int], parts: list[list[int]], last: bytes
) -> list[str]:
    """Build the archive anew, a sum at a time, and compare it part by part."""
    expected = _Sums([size for size, _ in parts[:-_LAST]])
    for entry in entries:
        number = int(entry.filename.removesuffix(".bin"))
        if entry.header_offset != expected.at:
            return [f"{entry.filename} is at {entry.header_offset} instead of {expected.at}"]
        if entry.file_size != files[number]:
            return [f"{entry.filename} has {entry.file_size} bytes instead of {files[number]}"]
        expected.add(_local_header(entry))
        expected.add_file(number, entry.file_size)
        if checksum(number, 0, entry.file_size) != entry.CRC:
            return [f"{entry.filename} has another CRC-32 than its bytes"]
    wrong = [
        f"part {index + 1} is not what it must be"
        for index, (mine, (_, theirs)) in enumerate(zip(expected.done, parts, strict=False))
        if mine != theirs
    ]
    if len(expected.done) != len(parts[:-_LAST]):
        wrong.append(f"{len(parts)} parts, of which {len(expected.done)} are full of files")
    rest = expected.at - sum(size for size, _ in parts[:-_LAST])
    if crc32(last[:rest]) != expected.crc:
        wrong.append("the beginning of the last parts is not what it must be")
    return wrong[:5]


def _local_header(entry: zipfile.ZipInfo) -> bytes:
    """Write the header as the directory says: its fields, its name, its times, no descriptor."""
    from packmule.zipformat.headers import local_header, needs_zip64_room  # noqa: PLC0415

    room = needs_zip64_room(entry.file_size)
    return local_header(
        entry.filename.encode(), 0, entry.CRC, entry.file_size, entry.file_size,
        _modified_at(entry.extra), zip64=room,
    )  # fmt: skip


def _modified_at(extra: bytes) -> int | None:
    """Read the time from the extra fields, in POSIX seconds (tag 0x5455)."""
    while extra:
        tag, length = struct.unpack_from("<HH", extra)
        if tag == _TIME_TAG:
            return int(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + length :]
    return None


class _Sums:
    """The CRC-32 of consecutive parts of given lengths, of bytes that come one after another."""

    def __init__(self, lengths: list[int]) -> None:
        self._lengths = lengths
        self.at = self.crc = 0
        self._left = lengths[0] if lengths else sys.maxsize
        self.done: list[int] = []

    def add(self, data: bytes) -> None:
        """Add bytes."""
        while data:
            piece, data = data[: self._left], data[self._left :]
            self.crc = crc32(piece, self.crc)
            self._went(len(piece))

    def add_file(self, number: int, size: int) -> None:
        """Add a file."""
        at = 0
        while at < size:
            stop = min(size, at + self._left)
            self.crc = checksum(number, at, stop, self.crc)
            self._went(stop - at)
            at = stop

    def _went(self, length: int) -> None:
        self.at += length
        self._left -= length
        if self._left == 0:
            self.done.append(self.crc)
            self.crc = 0
            following = self._lengths[len(self.done) :]
            self._left = following[0] if following else sys.maxsize


def main() -> int:
    """Run, and say the figures; 1 where something is wrong or beyond its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.s3_large.run", description=__doc__)
    parser.add_argument("--gb", type=float, default=20.0, help="size of the archive")
    parser.add_argument("--memory", type=int, help="limit of the service's memory, in MB")
    asked = parser.parse_args()
    most_memory = None if asked.memory is None else asked.memory * MB
    with tempfile.TemporaryDirectory(prefix="s3-large-", dir=Path.cwd()) as folder:
        figures = play(int(asked.gb * 1e9), Path(folder), most_memory=most_memory)
    if figures.scratch > MOST_SCRATCH:
        figures.problems.append(f"more scratch than {MOST_SCRATCH / MB:,.0f} MB")
    if figures.memory > MOST_MEMORY:
        figures.problems.append(f"more memory than {MOST_MEMORY / MB:,.0f} MB")
    sys.stdout.write(figures.line() + "\n")
    return int(bool(figures.problems))


if __name__ == "__main__":
    sys.exit(main())
