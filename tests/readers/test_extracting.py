"""Foreign programs extract from our archives the names and bytes that were put in.

The archives are laid out through zipformat: every kind of entry that needs no origin to come about.
Each program writes into an empty folder, and what lies there then is compared whole.
"""

import os
import subprocess
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from packmule.zipformat.layout import Entry, central_directory
from packmule.zipformat.names import safe_name
from packmule.zipformat.records import DEFLATED, STORED

SECOND = 1_717_243_697  # odd, so that MS-DOS time alone cannot tell it
BEFORE_1980 = 86_400
TEXT = b"the quick brown fox jumps over the lazy dog\n" * 5000
NOISE = bytes(byte * 131 % 251 for byte in range(300_000))

Files = dict[str, bytes]


def lay(
    archive: Path,
    files: Files,
    *,
    method: int = STORED,
    room: bool = False,
    at: int | None = SECOND,
    backwards: bool = False,
) -> Files:
    """Write an archive; with `backwards` the bodies lie against the directory's order."""
    entries: dict[str, Entry] = {}
    with archive.open("wb") as file:
        for name in reversed(files) if backwards else files:
            body = packed = files[name]
            if method == DEFLATED:
                deflate = zlib.compressobj(wbits=-15)
                packed = deflate.compress(body) + deflate.flush()
            entry = Entry(
                name.encode(), method, zlib.crc32(body), len(packed), len(body), file.tell(), at,
                zip64_room=room,
            )  # fmt: skip
            file.write(entry.local_header() + packed)
            entries[name] = entry
        file.writelines(central_directory([entries[name] for name in files], file.tell()))
    return files


MIXED: Files = {
    "z last by name, first in order.txt": TEXT,
    "empty": b"",
    "one byte": b"x",
    "folder/in a folder/noise.bin": NOISE,
    "größe/日本語.html": TEXT,
    "🚀.bin": NOISE[:1000],
    ".hidden": b"dot",
    "x" * 251 + ".txt": b"a name of 255 bytes",
    "語" * 85: b"255 bytes of UTF-8",
}
HOSTILE: Files = {
    safe_name(name, folders=True): name.encode(errors="replace")
    for name in (
        *("../../etc/passwd", "/absolute", "C:\\drive.txt", "aux.txt", "dots. . ", "-rf", "@list"),
        *("line\nbreak", "a\u202egpj.exe", "lone\ud83d", "star*?", "[brackets]", "%41$HOME`x`"),
        *("cafe\u0301", "~", "--help", " leading", 'quote"', "it's", "\x1b[31mred"),
    )
}
MANY: Files = {f"{n // 1000:02}/{n}": b"" for n in range(66_000)}

ARCHIVES: Mapping[str, Callable[[Path], Files]] = {
    "stored": lambda archive: lay(archive, MIXED),
    "deflated": lambda archive: lay(archive, MIXED, method=DEFLATED),
    "room kept for zip64": lambda archive: lay(archive, MIXED, room=True),
    "room kept, deflated": lambda archive: lay(archive, MIXED, room=True, method=DEFLATED),
    "directory in another order": lambda archive: lay(archive, MIXED, backwards=True),
    "before 1980": lambda archive: lay(archive, MIXED, at=BEFORE_1980),
    "no time": lambda archive: lay(archive, MIXED, at=None),
    "hostile names": lambda archive: lay(archive, HOSTILE),
    "66,000 entries": lambda archive: lay(archive, MANY),
}


READERS = [
    pytest.param("unzip -q '{}'", id="unzip", marks=pytest.mark.needs("unzip")),
    pytest.param("7zz x -y -bso0 -bsp0 '{}'", id="7zz", marks=pytest.mark.needs("7zz")),
    pytest.param("bsdtar -xf '{}'", id="bsdtar seeking", marks=pytest.mark.needs("bsdtar")),
    pytest.param("bsdtar -xf - <'{}'", id="bsdtar streaming", marks=pytest.mark.needs("bsdtar")),
    pytest.param("busybox unzip -q '{}'", id="busybox", marks=pytest.mark.needs("busybox")),
    pytest.param("unar -q -D '{}'", id="unar", marks=pytest.mark.needs("unar")),
]
CONTENTS = [pytest.param(make, id=name) for name, make in ARCHIVES.items()]


def run(command: str, archive: Path, folder: Path) -> None:
    """Run a shell line in an empty folder; what it says is the assertion's message."""
    folder.mkdir()
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.format(archive)],
        cwd=folder,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:].decode(errors="replace")


def tree(folder: Path) -> dict[str, bytes]:
    """Give every file below a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("command", READERS)
def test_a_reader_extracts_every_name_and_byte(
    tmp_path: Path, command: str, content: Callable[[Path], Files]
) -> None:
    archive = tmp_path / "a.zip"
    files = content(archive)
    run(command, archive, tmp_path / "out")
    assert tree(tmp_path / "out") == files


@pytest.mark.needs("zip")
@pytest.mark.parametrize("content", CONTENTS)
def test_info_zip_finds_nothing_wrong(tmp_path: Path, content: Callable[[Path], Files]) -> None:
    archive = tmp_path / "a.zip"
    content(archive)
    run("zip -qT '{}'", archive, tmp_path / "out")
