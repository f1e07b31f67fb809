"""What is promised of finished archives: right, telling what is missing, open to a check."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.spec.test_pack import pack, random_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin
    from tests.spec.service import Service

MIB = 1024 * 1024
TEXT = b"".join(b"line %d: the quick brown fox\n" % number for number in range(60_000))


def verify(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "packmule", "verify", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=home,
    )


def foreign(path: Path) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", b"hello there")
        archive.comment = b"by another program"
    path.write_bytes(out.getvalue())
    return bytearray(out.getvalue())


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = verify(tmp_path, "pipe")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pipe: not readable" in done.stderr


def test_an_archive_of_ours_is_right(origin: Origin, tmp_path: Path) -> None:
    urls = [origin.put("/verify/a.bin", random_bytes(MIB, 1)), origin.put("/verify/b.txt", TEXT)]
    assert pack(tmp_path, *urls, "-o", "out.zip", VERIFY="full").returncode == 0
    done = verify(tmp_path, "out.zip")
    assert (done.returncode, done.stderr) == (0, "")
    assert "valid; 2 files" in done.stdout
    assert "note" not in done.stdout


def test_what_another_program_wrote_gets_notes_and_is_right(tmp_path: Path) -> None:
    foreign(tmp_path / "a.zip")
    done = verify(tmp_path, "a.zip", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 0
    assert (record["valid"], record["entries"], record["faults"]) == (True, 1, [])
    assert [each["kind"] for each in record["notes"]] == ["comment"]


def test_damage_is_told_with_its_place_and_what_to_do(tmp_path: Path) -> None:
    data = foreign(tmp_path / "a.zip")
    data[data.index(b"hello")] ^= 1
    (tmp_path / "a.zip").write_bytes(data)
    done = verify(tmp_path, "a.zip")
    assert done.returncode == 1
    assert "fault at byte 35: a.txt: its CRC-32" in done.stderr
    assert "fix: fetch this file again" in done.stderr
    assert verify(tmp_path, "a.zip", "--quick").returncode == 0
    record = json.loads(verify(tmp_path, "a.zip", "--json").stdout)
    assert [(each["kind"], each["at"]) for each in record["faults"]] == [("body", 35)]


@pytest.mark.parametrize("content", [None, b"", b"no archive at all"])
def test_what_cannot_be_read_as_an_archive_is_2(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.zip").write_bytes(content)
    done = verify(tmp_path, "a.zip")
    assert done.returncode == 2
    assert "not readable" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(verify(tmp_path, "a.zip", "--json").stdout)["readable"] is False


def test_a_big_file_that_fails_in_the_middle_leaves_no_gap(origin: Origin, tmp_path: Path) -> None:
    whole = random.Random(5).randbytes(3 * MIB)
    dead = origin.put("/verify/cut.bin", whole, headers={"Content-Length": str(6 * MIB)})
    good = [origin.put(f"/verify/g{n}.bin", random_bytes(MIB, n)) for n in range(3)]
    done = pack(
        tmp_path, good[0], dead, *good[1:], "-o", "out.zip", "--on-error", "skip",
        "--transfers", "2", ATTEMPTS="1", STALL_TIMEOUT="1", FILE_TIMEOUT="4",
    )  # fmt: skip
    assert done.returncode == 1
    assert "cut.bin" in done.stderr
    checked = verify(tmp_path, "out.zip", "--json")
    assert json.loads(checked.stdout)["faults"] == []
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["g0.bin", "g1.bin", "g2.bin", "_missing.txt"]


def test_an_archive_tells_what_is_missing_without_secrets(service: Service, origin: Origin) -> None:
    good = origin.put("/missing/kept.txt", b"kept")
    dead = origin.url("/missing/gone.txt?signature=secret")
    wanted = {"url": good, "name": "_missing.txt"}
    members = service.members(service.completed(dead, wanted, on_error="skip"))
    assert list(members) == ["_missing.txt", "_missing (1).txt"]
    assert members["_missing.txt"] == b"kept"
    told = members["_missing (1).txt"].decode()
    assert f"url: {origin.url('/missing/gone.txt')}\n" in told
    assert "code: http-status\n" in told
    assert "secret" not in told


def test_an_archive_with_nothing_missing_has_no_report(service: Service, origin: Origin) -> None:
    url = origin.put("/missing/all.txt", b"all")
    assert list(service.members(service.completed(url, on_error="skip"))) == ["all.txt"]


@pytest.mark.parametrize(
    ("wanted", "methods"), [("auto", [8, 0]), ("store", [0, 0]), ("deflate", [8, 0])]
)
def test_pack_compresses_as_it_is_asked(
    origin: Origin, tmp_path: Path, wanted: str, methods: list[int]
) -> None:
    noise = random_bytes(MIB, 9)
    urls = [origin.put("/pack/t.txt", TEXT), origin.put("/pack/n.dat", noise)]
    done = pack(tmp_path, *urls, "-o", "out.zip", "--compression", wanted)
    assert done.returncode == 0, done.stderr
    assert verify(tmp_path, "out.zip").returncode == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        found = {entry.filename: entry.compress_type for entry in archive.infolist()}
        assert archive.read("t.txt") == TEXT
        assert archive.read("n.dat") == noise
    assert found["t.txt"] == methods[0]
    if wanted != "deflate":
        assert found["n.dat"] == methods[1]
