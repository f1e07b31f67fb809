"""The origin's files: incompressible, all different, made quickly and only once.

Owns making and warming them. Every file is one random block over and over, each time behind a
header of its own, so that no two files or blocks are equal and none compresses.
"""

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from bench.works import MIB, Files

BLOCK = 64 * MIB
HEADER = 32
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Files on disk, with the CRC-32 each must have in an archive."""

    files: Files
    folder: Path
    crcs: dict[str, int]

    @property
    def paths(self) -> list[Path]:
        """Where the files are, in order."""
        return [self.folder / name for name in self.files.names()]

    def warm(self) -> None:
        """Read all, so that the origin serves from memory and never from the disk."""
        buffer = bytearray(4 * MIB)
        for path in self.paths:
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


def provide(files: Files, root: Path) -> DataSet:
    """Make the set below `root`, or take it as an earlier run left it."""
    folder = root / files.folder
    manifest = folder / MANIFEST
    if manifest.exists():
        return DataSet(files, folder, json.loads(manifest.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    block = memoryview(os.urandom(min(BLOCK, max(files.size, MIB))))
    crcs = {
        name: _make(folder / name, files.size, index, block)
        for index, name in enumerate(files.names())
    }
    manifest.write_text(json.dumps(crcs))
    return DataSet(files, folder, crcs)


def _make(path: Path, size: int, index: int, block: memoryview) -> int:
    """Write one file of `size` bytes; return its CRC-32."""
    crc = left = 0
    with path.open("wb", buffering=0) as file:
        left = size
        while left:
            header = os.urandom(min(HEADER, left))
            # Small files start at different points of the block.
            start = index * 4096 % max(len(block) - left, 1)
            body = block[start : start + left - len(header)]
            for piece in (memoryview(header), body):
                crc = zlib.crc32(piece, crc)
                left -= _write_all(file.fileno(), piece)
    return crc


def _write_all(descriptor: int, piece: memoryview) -> int:
    """Write a piece whole; return its length."""
    done = 0
    while done < len(piece):
        done += os.write(descriptor, piece[done:])
    return done
