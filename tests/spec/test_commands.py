"""What the commands that ask a server promise: results, sentences and exit codes."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.fakes.cutting_proxy import CuttingProxy
from tests.spec.service import Service, a_free_port, until

from packmule.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.origin import Origin


NO_JOB = "0" * 32
HASH = re.compile(r"[0-9a-f]{32}")


def environment(home: Path, server: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONWARNINGS": "error",
        "PACKMULE_SERVER": server,
    }


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


if TYPE_CHECKING:
    Run = Callable[..., Ended]


@pytest.fixture
def run(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs a command against the service, to its end, in this process.

    A process of its own costs a second; the tests below that need one start it.
    """
    monkeypatch.chdir(tmp_path)

    def packmule(*arguments: str, given: str | None = None) -> Ended:
        env = {"PACKMULE_SERVER": service.url, "PACKMULE_API_KEY": None}
        done = CliRunner().invoke(main, list(arguments), input=given, env=env)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Ended(done.exit_code, done.stdout, done.stderr)

    return packmule


def process(
    *arguments: str, home: Path, server: str, given: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "packmule", *arguments],
        env=environment(home, server) | more,
        input=given,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=home,
    )


def test_from_links_on_standard_input_to_an_archive(
    run: Run, origin: Origin, tmp_path: Path
) -> None:
    a, b = (origin.put(f"/commands/{name}", name.encode()) for name in ("a.txt", "b.txt"))
    created = run("create", "-", "--name", "x", given=f"# mine\n{a}\n{b}\tdeep/b.txt\n")
    assert (created.returncode, created.stderr) == (0, "")
    archive_hash = created.stdout.strip()
    assert HASH.fullmatch(archive_hash)
    done = run("fetch", archive_hash, "-o", "out.zip")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["a.txt", "deep/b.txt"]
    assert done.stdout == f"out.zip: {(tmp_path / 'out.zip').stat().st_size:,} bytes\n"
    told = run("status", archive_hash)
    assert told.returncode == 0
    assert told.stdout.startswith("completed: ")
    again = run("fetch", archive_hash, "-o", "out.zip")
    assert again.returncode == 2
    assert "--force" in again.stderr
    forced = run("fetch", archive_hash, "-o", "out.zip", "--force", "--json")
    assert json.loads(forced.stdout)["missing"] == []
    assert run("delete", archive_hash).returncode == 0
    assert run("status", archive_hash).returncode == 1


def test_every_option_of_the_contract_reaches_the_server(
    run: Run, origin: Origin, service: Service
) -> None:
    url = origin.put("/commands/options.txt", b"x" * 1000)
    options = [
        "--name", "x.zip", "--on-error", "skip", "--on-html", "fail", "--compression", "store",
        "--expires-in", "2h", "--priority", "7", "--idempotency-key", f"key-{random.random()}",
    ]  # fmt: skip
    created = run("create", url, *options, "--wait", "--json")
    assert created.returncode == 0, created.stderr
    document = json.loads(created.stdout)
    assert document["status"] == "completed"
    answer = service.download(document["archive_hash"])
    assert "x.zip" in answer.headers["content-disposition"]
    assert run("create", url, *options).stdout.strip() == document["archive_hash"]
    hook = run("create", url, "--webhook-url", "http://example.org/")
    assert hook.returncode == 2
    assert "\n--webhook-url: " in hook.stderr


def test_a_failed_job_is_1_and_may_be_completed_without_what_failed(
    run: Run, origin: Origin, tmp_path: Path
) -> None:
    urls = [origin.put("/commands/kept.txt", b"x"), origin.url("/commands/gone?key=secret")]
    failed = run("create", *urls, "--wait")
    assert failed.returncode == 1
    archive_hash, said = failed.stdout.splitlines()
    assert said.startswith("failed: ")
    assert "/commands/gone:" in failed.stderr
    assert "404" in failed.stderr
    assert "secret" not in failed.stderr
    for command in ("status", "fetch"):
        assert run(command, archive_hash).returncode == 1
    assert not list(tmp_path.glob("*.zip*"))
    retried = run("retry", archive_hash, "--on-error", "skip", "--wait", "--json")
    assert retried.returncode == 1
    assert len(json.loads(retried.stdout)["missing"]) == 1
    done = run("fetch", archive_hash)
    assert done.returncode == 1
    assert "/commands/gone:" in done.stderr
    assert (tmp_path / f"{archive_hash}.zip").exists()


def test_a_job_in_progress_is_0_its_time_over_4_and_cancelled_is_1(
    run: Run, origin: Origin
) -> None:
    slow = origin.put(f"/commands/slow-{random.random()}", b"slow" * 50_000, held_from=20_000)
    archive_hash = run("create", slow).stdout.strip()
    assert run("status", archive_hash).returncode == 0
    over = run("status", archive_hash, "--wait", "--timeout", "1s")
    assert over.returncode == 4
    assert "goes on" in over.stderr
    assert run("fetch", archive_hash, "--timeout", "0s").returncode == 4
    cancelled = run("cancel", archive_hash)
    assert (cancelled.returncode, cancelled.stdout) == (0, "cancelled\n")
    assert run("status", archive_hash, "--wait").returncode == 1
    assert run("retry", archive_hash).returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["create"], ["create", "ftp://example.org/x"], ["create", "-i", "no-such-file"],
        ["create", "http://x/", "--name", "a/b"], ["create", "http://x/", "--expires-in", "soon"],
        ["create", "http://x/", "--max-part-size", "small"],
        ["status"], ["status", "../x"], ["status", NO_JOB, "--server", "nonsense"],
        ["fetch", NO_JOB, "-o", "no/folder/x.zip"],
        ["fetch", NO_JOB, "-o", "-"], ["files", "x"], ["cancel", "x" * 32], ["nonsense"],
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_bad_links_are_each_pointed_at(run: Run) -> None:
    done = run("create", "http://example.org/", "ftp://example.org/", "nonsense")
    assert "\nftp://example.org/: only http" in done.stderr
    assert "\nnonsense: " in done.stderr


def test_bad_links_of_a_list_are_told_with_file_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "links.txt").write_text("# mine\nhttp://example.org/\nftp://example.org/x?secret\n")
    done = run("create", "-i", "links.txt")
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == [
        "links.txt:3: ftp://example.org/x: only http:// and https:// links can be fetched"
    ]


def test_a_list_in_a_links_place_and_links_given_twice_are_noticed(
    run: Run, origin: Origin, tmp_path: Path
) -> None:
    url = origin.put("/commands/twice.txt", b"x")
    (tmp_path / "links.txt").write_text(f"{url}\n{url}\n")
    assert "Did you mean -i links.txt?" in run("create", "links.txt").stderr
    created = run("create", "-i", "links.txt")
    assert created.returncode == 0
    assert f"Note: 1 link listed more than once: links.txt:2: {url}" in created.stderr


def test_files_lists_each_file_with_its_state_and_reason(run: Run, origin: Origin) -> None:
    urls = [origin.put("/commands/listed.txt", b"hello"), origin.url("/commands/lost?key=secret")]
    archive_hash = run("create", *urls, "--wait", "--on-error", "skip").stdout.split()[0]
    listed = run("files", archive_hash)
    assert listed.returncode == 0
    head, *rows = (line.split("\t") for line in listed.stdout.splitlines())
    assert head == ["position", "state", "bytes", "name", "link", "detail"]
    assert [row[1] for row in rows] == ["done", "failed"]
    assert rows[0][2:4] == ["5", "listed.txt"]
    assert "404" in rows[1][5]
    assert "secret" not in listed.stdout
    failed = run("files", archive_hash, "--state", "failed", "--json").stdout.splitlines()
    assert [json.loads(line)["position"] for line in failed] == [1]
    assert run("files", NO_JOB).returncode == 1


def test_a_web_page_in_a_files_place_is_warned_of(run: Run, origin: Origin) -> None:
    page = {"Content-Type": "text/html"}
    url = origin.put("/commands/page.png", b"<!doctype html><html></html>", headers=page)
    created = run("create", url, "--wait")
    archive_hash = created.stdout.split()[0]
    for done in (created, run("status", archive_hash), run("fetch", archive_hash)):
        assert done.returncode == 0
        assert f"Warning: {url}: " in done.stderr
        assert "[html-page]" in done.stderr


def test_an_unknown_job_is_1(run: Run, tmp_path: Path) -> None:
    for command in ("status", "files", "fetch", "cancel", "retry", "delete"):
        done = run(command, NO_JOB)
        assert done.returncode == 1, command
        assert "[not-found]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_or_is_none_is_3(run: Run, origin: Origin) -> None:
    gone = run("status", NO_JOB, "--server", f"http://127.0.0.1:{a_free_port()}")
    assert gone.returncode == 3
    assert gone.stderr.count("Retrying") == 1
    assert "Error: Cannot reach the server" in gone.stderr
    assert run("status", NO_JOB, "--server", origin.url("")).returncode == 3


def test_a_hash_may_be_given_as_its_link(run: Run, origin: Origin, service: Service) -> None:
    archive_hash = service.completed(origin.put("/commands/link.txt", b"x"))
    for link in (f"/api/archive/status/{archive_hash}", f"/archive/get/{archive_hash}.zip"):
        assert run("status", f"{service.url}{link}").returncode == 0


def test_serve_is_not_disturbed_by_the_clients_variables(tmp_path: Path) -> None:
    server = "http://localhost:8000"
    done = process("serve", "--port", "0", home=tmp_path, server=server, PACKMULE_API_KEY="k")
    assert "PACKMULE_PORT" in done.stderr
    assert "PACKMULE_SERVER" not in done.stderr
    assert "PACKMULE_API_KEY" not in done.stderr


def test_a_key_opens_a_server_that_wants_one(tmp_path: Path, origin: Origin) -> None:
    key = "k" * 32
    url = origin.put("/commands/key.txt", b"x")
    with Service(tmp_path, API_KEYS=f"ann:{key}") as own:
        own.start()
        closed = process("create", url, "--wait", home=tmp_path, server=own.url)
        assert closed.returncode == 1
        assert closed.stdout == ""
        opened = process(
            "create", "-", "--wait", home=tmp_path, server=own.url, given=url, PACKMULE_API_KEY=key
        )
        assert opened.returncode == 0, opened.stderr


@pytest.mark.parametrize(
    ("number", "size"),
    [(signal.SIGINT, 2_000_000), (signal.SIGKILL, 2_000_000), (signal.SIGKILL, 12_000_000)],
)
def test_an_interrupted_fetch_goes_on_when_it_is_typed_again(
    service: Service, origin: Origin, tmp_path: Path, *, number: signal.Signals, size: int
) -> None:
    body = random.Random(21).randbytes(size)
    archive_hash = service.completed(origin.put("/commands/again.bin", body))
    record = tmp_path / "out.zip.part.version"
    first = iter([2000])

    def enough() -> bool:
        held = json.loads(record.read_bytes())["held"] if record.exists() else []
        return bool(sum(end - start for start, end in held) > 500_000)

    def after() -> int:  # a cut may take along what has not been read yet
        time.sleep(0.3 if enough() else 0.05)  # what is cut at once is asked for again and again
        return 0 if enough() else next(first, 700_000)

    with CuttingProxy(service.port, after) as proxy:
        command = [sys.executable, "-m", "packmule", "fetch", archive_hash, "-o", "out.zip"]
        fetch = subprocess.Popen(
            command, env=environment(tmp_path, proxy.url), cwd=tmp_path, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        try:
            until(enough, "half of it")
            fetch.send_signal(number)
        except BaseException:
            fetch.kill()
            raise
        finally:
            _, said = fetch.communicate(timeout=60)
    assert fetch.returncode == (130 if number == signal.SIGINT else -9)
    assert ("Run the same command" in said) is (number == signal.SIGINT)
    assert not (tmp_path / "out.zip").exists()
    done = process(
        "fetch", archive_hash, "-o", "out.zip", "--json", home=tmp_path, server=service.url
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["resumed_at"] > 500_000
    assert (tmp_path / "out.zip").read_bytes() == service.download(archive_hash).content


def test_an_interrupted_wait_says_that_the_job_goes_on(
    service: Service, origin: Origin, tmp_path: Path
) -> None:
    slow = origin.put(f"/commands/slow-{random.random()}", b"slow" * 50_000, held_from=20_000)
    command = [sys.executable, "-m", "packmule", "create", "--wait", slow]
    create = subprocess.Popen(
        command, env=environment(tmp_path, service.url), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert create.stdout is not None
    archive_hash = create.stdout.readline().strip()
    create.send_signal(signal.SIGINT)
    _, said = create.communicate(timeout=60)
    assert create.returncode == 130
    assert f"packmule status --wait {archive_hash}" in said
    assert "Traceback" not in said
    assert service.client.post(f"/api/archive/cancel/{archive_hash}").status_code == 200


def test_a_terminal_shows_a_bar(service: Service, origin: Origin, tmp_path: Path) -> None:
    url = origin.put(f"/commands/bar-{random.random()}", b"x" * 400_000, held_from=40_000)
    archive_hash = service.create(url)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "packmule", "status", "--wait", archive_hash]
    env = environment(tmp_path, service.url) | {"TERM": "xterm", "COLUMNS": "100"}
    status = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    cancelled = False
    with suppress(OSError):  # the other end has closed
        while piece := os.read(ours, 4096):
            shown += piece
            if "━".encode() in shown and not cancelled:
                service.client.post(f"/api/archive/cancel/{archive_hash}").raise_for_status()
                cancelled = True
    os.close(ours)
    assert status.wait(60) == 1
    assert cancelled
    assert b"0 of 1 file" in shown


@pytest.mark.parametrize("into", ["true", "cat > /dev/full"])
def test_output_that_nobody_takes_is_not_blamed_on_the_archive(
    service: Service, origin: Origin, tmp_path: Path, into: str
) -> None:
    archive_hash = service.completed(origin.put("/commands/pipe.txt", b"x"))
    shell = f"{sys.executable} -m packmule status {archive_hash} | ({into}); exit $PIPESTATUS"
    if "full" in into:
        shell = f"{sys.executable} -m packmule status {archive_hash} > /dev/full"
    done = subprocess.run(
        ["/bin/bash", "-c", shell], env=environment(tmp_path, service.url), capture_output=True,
        text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "archive" not in done.stderr
    assert "Traceback" not in done.stderr
