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
        "psycopg", "pydantic", "rich", "sqlalchemy", "sqlite3", "starlette", "xml",
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


def test_a_link_that_is_none_is_named(tmp_path: Path) -> None:
    done = pack(tmp_path, "ftp://example.org/x", "-o", "out.zip")
    assert done.returncode == 1
    assert "url-invalid" in done.stderr


def test_of_many_failures_the_first_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    bad = [f"ftp://example.org/{number}" for number in range(60)]
    done = pack(tmp_path, *bad, "-o", "out.zip")
    assert done.stderr.count("[url-invalid]") == 50
    assert "10 more" in done.stderr


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
    assert int(again.removeprefix("bytes=").rstrip("-")) >= MIB
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
