"""What `packmule pack` promises: links into one archive, taken up where it was cut."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.fakes.origin import Origin as Other
from tests.spec.service import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.origin import Origin

MIB = 1024 * 1024


def environment(home: Path, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONWARNINGS": "error",
        "PACKMULE_ALLOW_NETWORKS": LOOPBACK,
    } | {f"PACKMULE_{name}": value for name, value in settings.items()}


def pack(
    home: Path, *arguments: str | Path, given: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "packmule", "pack", *map(str, arguments)],
        env=environment(home, **settings),
        input=given,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=home,
    )


def random_bytes(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def test_a_small_archive_loads_nothing_that_it_does_not_need(
    origin: Origin, tmp_path: Path
) -> None:
    # Most of its time is the imports'.
    url = origin.put("/start/a.jpg", b"picture")
    code = (
        "import sys; from packmule.cli import main\n"
        f"main(['pack', '-q', '-o', 'out.zip', '{url}'], standalone_mode=False)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), cwd=tmp_path, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "pycurl" in loaded
    for heavy in (
        "alembic", "anyio", "asyncio", "boto3", "botocore", "concurrent", "fastapi",
        "granian", "httpx", "jinja2", "opentelemetry", "procrastinate", "prometheus_client",
        "psycopg", "pydantic", "sqlalchemy", "sqlite3", "starlette", "xml",
    ):  # fmt: skip
        assert heavy not in loaded
    for ours in (
        "engine",
        "worker",
        "webhook.delivery",
        "web.app",
        "client",
        "assembly.upload.part_sender",
    ):
        assert f"packmule.{ours}" not in done.stdout.split()
    assert zipfile.ZipFile(tmp_path / "out.zip").read("a.jpg") == b"picture"


def test_links_become_an_archive_in_the_order_they_were_given(
    origin: Origin, tmp_path: Path
) -> None:
    sizes = {"small.bin": 100, "empty.bin": 0, "big.bin": 3 * MIB + 17, "edge.bin": 256 * 1024}
    bodies = {name: random_bytes(size, size) for name, size in sizes.items()}
    urls = [origin.put(f"/order/{name}", body) for name, body in bodies.items()]
    done = pack(tmp_path, *urls, "-o", "out.zip")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == list(bodies)
        assert {name: archive.read(name) for name in bodies} == bodies
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.zip"]


def test_a_list_names_links_and_the_names_they_are_to_have(origin: Origin, tmp_path: Path) -> None:
    url = origin.put("/list/x.txt", b"hello")
    (tmp_path / "urls.txt").write_text(f"# mine\n{url}\n\n{url}\tholiday/may/first.txt\n")
    done = pack(tmp_path, "-i", "urls.txt", "-o", "out.zip")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["x.txt", "holiday/may/first.txt"]


def test_a_dash_reads_the_list_from_standard_input(origin: Origin, tmp_path: Path) -> None:
    url = origin.put("/stdin/x.txt", b"hello")
    done = pack(tmp_path, "-i", "-", "-o", "out.zip", given=f"{url}\n")
    assert done.returncode == 0, done.stderr
    assert zipfile.ZipFile(tmp_path / "out.zip").namelist() == ["x.txt"]


def test_a_dead_link_is_named_and_no_archive_is_made(origin: Origin, tmp_path: Path) -> None:
    good, dead = origin.put("/dead/good.txt", b"x"), origin.url("/dead/gone.txt?signature=secret")
    done = pack(tmp_path, good, dead, "-o", "out.zip")
    assert done.returncode == 1
    assert "/dead/gone.txt" in done.stderr
    assert "404" in done.stderr
    assert "secret" not in done.stderr
    assert not (tmp_path / "out.zip").exists()


def test_the_next_run_fetches_only_what_failed(origin: Origin, tmp_path: Path) -> None:
    good, dead = origin.put("/again/good.bin", random_bytes(MIB, 1)), origin.url("/again/late.bin")
    assert pack(tmp_path, good, dead, "-o", "out.zip").returncode == 1
    origin.put("/again/late.bin", b"here now")
    done = pack(tmp_path, good, dead, "-o", "out.zip")
    assert done.returncode == 0, done.stderr
    assert len(origin.requests_for("/again/good.bin")) == 1
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["good.bin", "late.bin"]


def test_with_on_error_skip_the_archive_is_made_without_what_failed(
    origin: Origin, tmp_path: Path
) -> None:
    good, dead = origin.put("/skip/good.txt", b"x"), origin.url("/skip/gone.txt")
    done = pack(tmp_path, dead, good, "-o", "out.zip", "--on-error", "skip")
    assert done.returncode == 1
    assert "/skip/gone.txt" in done.stderr
    assert "good.txt" in zipfile.ZipFile(tmp_path / "out.zip").namelist()


def test_nothing_but_dead_links_makes_no_archive(origin: Origin, tmp_path: Path) -> None:
    dead = origin.url("/none/gone.txt")
    done = pack(tmp_path, dead, "-o", "out.zip", "--on-error", "skip")
    assert done.returncode == 1
    assert not (tmp_path / "out.zip").exists()


def test_an_archive_that_is_there_is_replaced_only_by_force(origin: Origin, tmp_path: Path) -> None:
    url = origin.put("/force/x.txt", b"new")
    (tmp_path / "out.zip").write_bytes(b"precious")
    refused = pack(tmp_path, url, "-o", "out.zip")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert (tmp_path / "out.zip").read_bytes() == b"precious"
    assert pack(tmp_path, url, "-o", "out.zip", "--force").returncode == 0
    assert zipfile.ZipFile(tmp_path / "out.zip").read("x.txt") == b"new"


@pytest.mark.parametrize("arguments", [[], ["-i", "missing.txt"]])
def test_nothing_to_fetch_is_a_usage_error(tmp_path: Path, arguments: list[str]) -> None:
    done = pack(tmp_path, *arguments, "-o", "out.zip")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_list_is_checked_as_a_whole_before_anything_is_fetched(
    origin: Origin, tmp_path: Path
) -> None:
    good = origin.put("/checked/x.txt", b"hello")
    (tmp_path / "links.txt").write_text(f"{good}\n\nftp://example.org/x?secret\nnonsense\n")
    done = pack(tmp_path, "-i", "links.txt", "-o", "out.zip")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == ("Error: 2 of 3 links are invalid. Nothing was fetched.")
    assert "\nlinks.txt:3: ftp://example.org/x: only http" in done.stderr
    assert "\nlinks.txt:4: nonsense: " in done.stderr
    assert origin.requests_for("/checked/x.txt") == []


def test_of_many_failures_the_first_are_told_and_the_rest_counted(
    origin: Origin, tmp_path: Path
) -> None:
    dead = [origin.url(f"/many/{number}") for number in range(60)]
    done = pack(tmp_path, *dead, "-o", "out.zip")
    assert done.stderr.count("[http-status]") == 50
    assert "10 more" in done.stderr


def test_a_dry_run_prints_names_sizes_and_dead_links_and_packs_nothing(
    origin: Origin, tmp_path: Path
) -> None:
    big, small = b"big" * MIB, b"small"
    disposition = {"Content-Disposition": 'attachment; filename="named.bin"'}
    html = {"Content-Type": "text/html"}
    urls = [
        origin.put("/dry/big.bin", big, headers=disposition),
        origin.put("/dry/small.txt", small),
        origin.url("/dry/gone?secret"),
        origin.put("/dry/page.png", b"<!doctype html><html>", headers=html),
        origin.put("/dry/empty.txt", b""),
        origin.put("/dry/unknown.bin", b"x" * 100, announced=False),
    ]
    (tmp_path / "links.txt").write_text("\n".join(urls))
    done = pack(tmp_path, "-i", "links.txt", "--dry-run")
    assert done.returncode == 1, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        [f"{len(big):,}", "named.bin"],
        ["5", "small.txt"],
        ["21", "page.png"],
        ["0", "empty.txt"],
        ["?", "unknown.bin"],
    ]
    assert "links.txt:3: http" in done.stderr
    assert "/dry/gone: the origin answered 404 [http-status]" in done.stderr
    assert "Warning: links.txt:4: " in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"5 files, {len(big) + 26:,} bytes and 1 file of unknown size; 1 dead link. "
        "Nothing was packed."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["links.txt"]
    as_json = json.loads(pack(tmp_path, "-i", "links.txt", "--dry-run", "--json").stdout)
    assert [each["name"] for each in as_json["files"]][:2] == ["named.bin", "small.txt"]
    assert [each["code"] for each in as_json["failures"]] == ["http-status"]


def test_options_shape_the_requests_and_a_header_goes_to_its_origin_only(
    origin: Origin, tmp_path: Path
) -> None:
    with Other("127.0.0.1") as other:
        elsewhere = other.put("/headers/b.txt", b"b")
        moved = origin.put(
            "/headers/moved.txt", status=302, headers={"Location": other.url("/headers/c.txt")}
        )
        other.put("/headers/c.txt", b"c")
        here = origin.put("/headers/a.txt", b"a")
        done = pack(
            tmp_path, here, moved, elsewhere, "-o", "out.zip", "--user-agent", "Ours/1",
            "--limit-rate", "50MB", "--attempts", "2",
            "--header", origin.url(""), "Authorization: Bearer secret",
            "--header", origin.url(""), "Accept: image/png",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for path in ("/headers/a.txt", "/headers/moved.txt"):
            [asked] = origin.requests_for(path)
            assert asked.headers["Authorization"] == "Bearer secret"
            assert asked.headers.get_all("Accept") == ["image/png"]
            assert asked.headers["User-Agent"] == "Ours/1"
        assert len(other.requests) == 2
        for asked in other.requests:
            assert asked.headers["Authorization"] is None
            assert asked.headers["Accept"] == "*/*"


def test_json_tells_the_result_in_one_line(origin: Origin, tmp_path: Path) -> None:
    url = origin.put("/json/x.txt", b"hello")
    done = pack(tmp_path, url, origin.url("/json/gone"), "-o", "out.zip", "--json")
    record = json.loads(done.stdout)
    assert record["archive"] is None
    assert [failure["code"] for failure in record["failures"]] == ["http-status"]


def until_noted(folder: Path) -> None:
    """Wait until a checkpoint of out.zip says that bytes of a file are there."""
    journal = folder / "out.zip.part.journal"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.stat().st_size > 200):
        assert time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_run_is_taken_up_and_fetches_only_the_rest(
    origin: Origin, tmp_path: Path, how: signal.Signals
) -> None:
    body = random_bytes(24 * MIB, 7)
    path = f"/interrupted/{how.name}.bin"
    url = origin.put(path, body, rate=8.0 * MIB, held_from=20 * MIB)
    command = [sys.executable, "-m", "packmule", "pack", url, "-o", str(tmp_path / "out.zip")]
    first = subprocess.Popen(command, env=environment(tmp_path), stderr=subprocess.DEVNULL)
    until_noted(tmp_path)
    first.send_signal(how)
    status = first.wait(60)
    assert status == (130 if how is signal.SIGINT else -how)
    origin.release(path)
    done = pack(tmp_path, url, "-o", "out.zip")
    assert done.returncode == 0, done.stderr
    again = origin.requests_for(path)[-1].headers["Range"]
    assert again is not None
    assert int(again.removeprefix("bytes=").partition("-")[0]) >= MIB  # a segment has an end
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.read(f"{how.name}.bin") == body


def test_an_object_that_changed_between_two_runs_is_never_spliced(
    origin: Origin, tmp_path: Path
) -> None:
    old, new = random_bytes(8 * MIB, 1), random_bytes(8 * MIB, 2)
    url = origin.put("/changed.bin", old, held_from=6 * MIB)
    command = [sys.executable, "-m", "packmule", "pack", url, "-o", str(tmp_path / "out.zip")]
    first = subprocess.Popen(command, env=environment(tmp_path), stderr=subprocess.DEVNULL)
    until_noted(tmp_path)
    first.kill()
    first.wait()
    origin.put("/changed.bin", new)
    done = pack(tmp_path, url, "-o", "out.zip")
    assert done.returncode == 0, done.stderr
    assert zipfile.ZipFile(tmp_path / "out.zip").read("changed.bin") == new


def test_a_body_of_unknown_length_is_packed_whole(origin: Origin, tmp_path: Path) -> None:
    # Content-Length is what tells the length: an origin that wraps nothing but sends no length is
    # played by HTTP/1.0 semantics, where the end of the connection ends the body.
    body = random_bytes(2 * MIB, 3)
    url = origin.put("/unknown.bin", body, headers={"Transfer-Encoding": "chunked"})
    origin.resources["/unknown.bin"].body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    done = pack(tmp_path, url, "-o", "out.zip")
    assert done.returncode == 0, done.stderr
    assert zipfile.ZipFile(tmp_path / "out.zip").read("unknown.bin") == body


# What Linux has and macOS lacks.
_AS_ON_MACOS = """
import ctypes, mmap, os, select, sys
for module, names in (
    (os, "O_DIRECT copy_file_range eventfd fdatasync posix_fallocate sched_getaffinity splice"),
    (select, "epoll"),
    (mmap, "MADV_HUGEPAGE"),
):
    for name in names.split():
        delattr(module, name)
ctypes.CDLL = lambda *_, **__: object()  # no fallocate
from packmule.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("compression", ["store", "deflate"])
def test_pack_needs_nothing_that_only_linux_has(
    origin: Origin, tmp_path: Path, compression: str
) -> None:
    bodies = {
        "small.txt": b"small" * 100,
        "big.bin": random_bytes(5 * MIB + 17, 5),
        "text.txt": b"a line of text\n" * 100_000,
    }
    urls = [origin.put(f"/macos/{name}", body) for name, body in bodies.items()]
    dead = origin.url("/macos/gone.bin")
    done = subprocess.run(
        [sys.executable, "-c", _AS_ON_MACOS, "pack", *urls, dead, "--on-error", "skip",
         "--compression", compression, "-o", "out.zip"],
        env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert {name: archive.read(name) for name in bodies} == bodies
