"""The files that the hosts serve: incompressible, all different, the same sizes in every run.

Owns making them, and whether what a contestant made of them is right.
"""

import json
import os
import random
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from bench.measure import RunError
from bench.wan.cases import MB, Case, Files

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Served:
    """A case's files below `folder`: for each name its host's number, its size and its CRC-32."""

    folder: Path
    files: dict[str, tuple[int, int, int]]

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(size for _, size, _ in self.files.values())


def sizes(files: Files) -> list[int]:
    """Return the sizes of a set in bytes, the same each time."""
    chance = random.Random(f"{files}")  # noqa: S311 - no secret
    ratio = files.most / files.least
    return [round(files.least * ratio ** chance.random()) for _ in range(files.count)]


def provide(case: Case, root: Path) -> Served:
    """Make a case's files below `root`, or take them as an earlier run left them."""
    sets = [files for _, files in case.hosts]
    folder = root / "_".join(f"{one.count}x{one.least}-{one.most}" for one in sets)
    manifest = folder / MANIFEST
    if not manifest.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = {}
        for host, files in enumerate(sets):
            for number, size in enumerate(sizes(files)):
                name = f"{host}-{number:04d}{'.mp4' if size >= 10 * MB else '.jpg'}"
                body = os.urandom(size)
                (folder / name).write_bytes(body)
                made[name] = (host, size, zlib.crc32(body))
        manifest.write_text(json.dumps(made))
    read = json.loads(manifest.read_text())
    # Hosts take turns in the list, as far as each has files left.
    names = sorted(read, key=lambda name: (name.partition("-")[2], name))
    return Served(folder, {name: tuple(read[name]) for name in names})


def check_archive(archive: Path, served: Served) -> None:
    """Raise RunError unless the archive has every file, whole."""
    if not archive.exists():
        raise RunError("no archive was made")
    with zipfile.ZipFile(archive) as opened:
        found = {entry.filename: (entry.file_size, entry.CRC) for entry in opened.infolist()}
        damaged = opened.testzip()
    wanted = {name: (size, crc) for name, (_, size, crc) in served.files.items()}
    if damaged or found != wanted:
        raise RunError("the archive is not of these files")


def check_folder(folder: Path, served: Served) -> None:
    """Raise RunError unless the folder has every file, whole."""
    whole = sum(
        (folder / name).is_file() and zlib.crc32((folder / name).read_bytes()) == crc
        for name, (_, _, crc) in served.files.items()
    )
    if whole < len(served.files):
        raise RunError(f"{whole} of {len(served.files)} files")
