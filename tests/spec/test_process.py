"""`packmule serve` as a program: starting, stopping, dying and coming back."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.spec.service import PATIENCE, Service, a_free_port, is_alive, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.origin import Origin


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    """Give a program of the test's own, not yet started."""
    with Service(tmp_path, ATTEMPTS="2", DRAIN_TIMEOUT="20") as running:
        yield running


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a running program to the tests that leave it as well as it was."""
    with Service(tmp_path_factory.mktemp("lasting"), ATTEMPTS="2") as running:
        yield running.start()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def command_of(process_id: int) -> list[str]:
    return Path(f"/proc/{process_id}/cmdline").read_text().split("\0")


def child(service: Service, name: str) -> int:
    """Find the process of that command."""
    [found] = (each for each in service.processes()[1:] if name in command_of(each))
    return found


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, which must come by itself."""
    return subprocess.run(
        [sys.executable, "-m", "packmule", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_asked_to_stop_it_stops_cleanly_and_leaves_nothing(own: Service) -> None:
    processes = own.start().processes()
    assert len(processes) == 3
    assert own.stop(signal.SIGINT) == 0
    assert not any(map(is_alive, processes))
    assert not listens(own.port)


def test_what_is_under_way_when_it_stops_comes_to_its_end_or_is_taken_up_again(
    own: Service, origin: Origin
) -> None:
    large = origin.put("/process/large", random.Random(3).randbytes(1_000_000) * 30)
    body = random.Random(8).randbytes(1_000_000) * 4
    drained = own.start().create(origin.put("/process/drained", body, held_from=2_000_000))
    path = f"/archive/get/{own.completed(large)}.zip"
    until(lambda: own.kept(drained) == [2_000_000], "two million bytes are kept")
    request = f"GET /api/archive/status/{drained}?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", own.port), timeout=PATIENCE) as poll,
        own.client.stream("GET", path, headers={"Range": "bytes=0-"}) as part,
        own.client.stream("GET", path) as whole,
    ):
        poll.sendall(request.encode())
        downloads = [(each, each.iter_bytes()) for each in (part, whole)]
        received = [len(next(chunks)) for _, chunks in downloads]
        begun = time.monotonic()
        assert own.process is not None
        own.process.send_signal(signal.SIGTERM)
        until(lambda: not listens(own.port), "no longer listening")
        for (answer, chunks), first in zip(downloads, received, strict=True):
            assert first + sum(map(len, chunks)) == int(answer.headers["content-length"])
        assert poll.recv(12) == b"HTTP/1.1 200"
        assert own.process.wait(PATIENCE) == 0
        assert time.monotonic() - begun < 40  # not the minute that was asked for
    own.client.close()
    own.client = httpx.Client(base_url=own.url, timeout=PATIENCE, trust_env=False)
    origin.release("/process/drained")
    own.start()
    assert own.outcome(drained)["status"] == "completed"
    assert own.members(drained) == {"drained": body}
    # Whoever asks again, also the next worker, goes on at its byte.
    at_first, *again = origin.ranges_for("/process/drained")
    assert at_first is None
    assert set(again) == {"bytes=2000000-"}


def test_an_api_that_is_to_end_answers_on_until_it_is_sent_no_more(
    tmp_path: Path, origin: Origin
) -> None:
    with Service(tmp_path, DRAIN_DELAY="1 h") as own:
        api = child(own.start(), "api")
        os.kill(api, signal.SIGTERM)
        until(lambda: own.client.get("/readyz").status_code == 503, "not ready")
        assert own.client.get("/healthz").is_success
        archive_hash = own.completed(origin.put("/process/leaving", b"x"))
        assert own.members(archive_hash) == {"leaving": b"x"}
        os.kill(api, signal.SIGTERM)  # it need not wait any longer
        until(lambda: not is_alive(api), "ended")


def test_a_second_signal_kills_what_does_not_end(own: Service, origin: Origin) -> None:
    body = random.Random(4).randbytes(1_000_000) * 30
    archive_hash = own.start().completed(origin.put("/process/held", body))
    processes = own.processes()
    with own.client.stream("GET", f"/archive/get/{archive_hash}.zip"):
        assert own.process is not None
        own.process.send_signal(signal.SIGINT)
        until(lambda: not listens(own.port), "no longer listening")
        assert own.process.poll() is None
        assert own.stop(signal.SIGINT) == 130
    until(lambda: not any(map(is_alive, processes)), "all gone")


def test_a_child_that_died_is_started_again(lasting: Service, origin: Origin) -> None:
    supervisor, *children = lasting.processes()
    deaths = lasting.log.count("signal=9 restart_in=")
    lasting.kill(*children)
    until(lambda: len(lasting.processes()) == 3, "three processes again")
    until(lambda: _is_well(lasting), "well again")
    assert lasting.processes()[0] == supervisor
    assert lasting.members(lasting.completed(origin.put("/process/after", b"x"))) == {"after": b"x"}
    assert lasting.log.count("signal=9 restart_in=") == deaths + 2


def _is_well(service: Service) -> bool:
    try:
        return service.client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def test_the_log_is_json_says_where_it_listens_and_holds_no_query_of_a_link(
    lasting: Service, origin: Origin
) -> None:
    lasting.completed(origin.put("/process/logged", b"x") + "?signature=topsecret")
    lasting.outcome(lasting.create(origin.url("/process/dead?signature=topsecret")))
    log = lasting.log
    assert "topsecret" not in log
    # The last line may not be written to its end.
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()[:-1]]
    assert {line["process"] for line in lines} >= {"serve", "worker"}
    for line in lines:
        assert line.keys() >= {"at", "level", "process", "logger", "message"}
    said = [line["message"].split() for line in lines if "listening on" in line["message"]]
    assert [words[2] for words in said] == [lasting.url]


def test_readyz_names_a_worker_that_is_gone(lasting: Service) -> None:
    worker = child(lasting, "worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        until(
            lambda: lasting.client.get("/readyz").json()["checks"]["worker"] != "ok",
            "the worker is missed",
        )
        answer = lasting.client.get("/readyz")
    finally:
        os.kill(worker, signal.SIGCONT)
    # The API can accept jobs and serve archives without it.
    assert answer.status_code == 200
    assert answer.json()["checks"]["database"] == "ok"
    assert "sign of a worker" in answer.json()["checks"]["worker"]
    assert is_alive(child(lasting, "api"))


def test_the_api_sees_what_a_worker_does_that_was_started_again(
    lasting: Service, origin: Origin
) -> None:
    """With its locks lost, the database of the two would be two: nothing accepted would be done."""
    first, second = (origin.put(f"/process/{name}", b"bytes") for name in ("first", "second"))
    lasting.completed(first)
    journal = lasting.folder / "data" / "packmule.db-wal"
    before = journal.stat().st_ino
    lasting.kill(child(lasting, "worker"))
    lasting.completed(second)
    assert journal.stat().st_ino == before


def test_the_operator_sees_and_cancels_a_job_beside_the_service(
    lasting: Service, origin: Origin
) -> None:
    slow = origin.put("/process/operated", b"slow" * 500_000, held_from=20_000)
    archive_hash = lasting.create(slow)
    listed = run(lasting.environment, "jobs", "list", "--json")
    assert archive_hash in [json.loads(line)["hash"] for line in listed.stdout.splitlines()]
    assert run(lasting.environment, "jobs", "cancel", archive_hash).returncode == 0
    assert lasting.status(archive_hash)["status"] == "cancelled"


def test_a_killed_supervisor_leaves_no_orphan(own: Service) -> None:
    supervisor, *children = own.start().processes()
    own.kill(supervisor)
    until(lambda: not any(map(is_alive, children)), "the children gone")
    assert not listens(own.port)


@pytest.mark.long  # tests/kills kills at random moments
def test_after_a_kill_of_everything_a_job_is_completed_without_fetching_all_again(
    own: Service, origin: Origin
) -> None:
    bodies = {f"part-{n}.bin": random.Random(n).randbytes(1_000_000) * 8 for n in range(4)}
    links = [
        origin.put(f"/process/{name}", body, held_from=6_000_000) for name, body in bodies.items()
    ]
    archive_hash = own.start().create(*links)
    until(lambda: all(own.kept(archive_hash)), "a block of each is on the disk")
    own.kill()
    origin.release(*(f"/process/{name}" for name in bodies))
    own.start()
    assert own.outcome(archive_hash)["status"] == "completed"
    assert own.members(archive_hash) == bodies
    resumed = [
        request.headers["Range"]
        for name in bodies
        for request in origin.requests_for(f"/process/{name}")[1:]
    ]
    assert len(resumed) == len(bodies)
    assert all(resumed), "a file was fetched from its start"


def test_a_port_in_use_is_said_and_ends_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run({"PACKMULE_DATA_DIR": str(tmp_path)}, "serve", "--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"Error: Port {port} of 127.0.0.1 is already in use")
    assert list(tmp_path.iterdir()) == []


def test_all_bad_settings_are_named_at_once_and_end_it(tmp_path: Path) -> None:
    ended = run(
        {
            "PACKMULE_DATA_DIR": str(tmp_path / "data"),
            "PACKMULE_PORT": "eighty",
            "PACKMULE_RETENTION": "soon",
            "PACKMULE_PORTS": "80",
        },
        "serve",
    )
    assert ended.returncode == 2
    for name in ("PACKMULE_PORT:", "PACKMULE_RETENTION:", "PACKMULE_PORTS:"):
        assert name in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_flag_goes_before_the_environment(tmp_path: Path) -> None:
    ended = run(
        {"PACKMULE_DATA_DIR": str(tmp_path), "PACKMULE_PORT": "8000"}, "serve", "--port", "0"
    )
    assert ended.returncode == 2
    assert "'0'" in ended.stderr


def test_a_data_directory_that_cannot_be_written_is_said_and_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    environment = {"PACKMULE_DATA_DIR": str(file / "data"), "PACKMULE_PORT": str(a_free_port())}
    ended = run(environment, "serve")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ")
    assert "Traceback" not in ended.stderr


def test_a_database_of_a_newer_program_is_refused_in_one_sentence(tmp_path: Path) -> None:
    environment = {"PACKMULE_DATA_DIR": str(tmp_path), "PACKMULE_PORT": str(a_free_port())}
    assert run(environment, "migrate").returncode == 0
    with closing(sqlite3.connect(tmp_path / "packmule.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    ended = run(environment, "serve")
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: The job database is of revision 9999, newer than")
    assert "Traceback" not in ended.stderr


def test_of_two_starts_at_once_over_one_new_folder_one_serves_and_the_other_is_refused(
    tmp_path: Path,
) -> None:
    def service(folder: str) -> Service:
        (tmp_path / folder).mkdir()
        return Service(tmp_path / folder, DATA_DIR=str(tmp_path / "data"))

    def start(each: Service) -> bool:
        with suppress(AssertionError):
            each.start()
            return True
        return False

    with service("one") as one, service("two") as two, ThreadPoolExecutor(2) as threads:
        serves = dict(zip((one, two), threads.map(start, (one, two)), strict=True))
        assert sorted(serves.values()) == [False, True], one.log + two.log
        [winner] = (each for each, is_well in serves.items() if is_well)
        [loser] = (each for each, is_well in serves.items() if not is_well)
        assert loser.process is not None
        assert loser.process.wait() == 2
        assert loser.log.startswith("Error: Another `packmule serve` (process")
        assert winner.stop() == 0
