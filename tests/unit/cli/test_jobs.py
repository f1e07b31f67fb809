"""`packmule jobs`: what the operator sees and does, on the database that the service uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from tests.fakes.jobs import checkpoint, failed, request

from packmule.cli import main
from packmule.cli.tables import harmless
from packmule.errors import Failure, FailureCode
from packmule.jobs.database import connect, writing
from packmule.settings import read
from packmule.wiring.migrating import migrate
from packmule.wiring.stores import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.wiring.stores import Stores


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    monkeypatch.setenv("PACKMULE_DATA_DIR", str(tmp_path))
    settings = read({"PACKMULE_DATA_DIR": str(tmp_path)})
    migrate(settings)
    with open_stores(settings) as opened:
        yield opened


def defer(_connection: Any, _hash: str) -> None:
    """Queue nothing: no worker is there."""


def run(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(main, ["jobs", *arguments])
    return ended.exit_code, ended.stdout, ended.stderr


def listed(*arguments: str) -> list[str]:
    code, out, _ = run("list", "--json", *arguments)
    assert code == 0
    return [json.loads(line)["hash"] for line in out.splitlines()]


def a_failed_job(stores: Stores, **more: Any) -> str:
    hash_ = stores.jobs.create(request(**more), defer=defer)
    begun = stores.jobs.begin(hash_)
    assert begun is not None
    failure = Failure(FailureCode.FILES_FAILED, "1 of 1 files could not be fetched")
    stores.jobs.fail(begun.fence, failure, checkpoint(failed()))
    return hash_


def test_the_newest_comes_first_and_pages_follow_each_other(stores: Stores) -> None:
    made = [stores.jobs.create(request(), defer=defer) for _ in range(5)][::-1]
    assert listed() == made
    assert listed("--limit", "2") == made[:2]
    assert listed("--limit", "2", "--before", made[1]) == made[2:4]
    assert made[1] in run("list", "--limit", "2")[2]


def test_a_list_is_sifted_by_state_client_and_age(stores: Stores) -> None:
    queued = stores.jobs.create(request(client="ann"), defer=defer)
    broken = a_failed_job(stores, client="bob")
    assert listed("--state", "failed") == [broken]
    assert listed("--client", "ann") == [queued]
    assert listed("--client", "ann", "--state", "failed") == []
    assert listed("--newer", "1h") == [broken, queued]
    assert listed("--older", "1h") == []


def test_elsewhere_than_on_a_terminal_lines_are_tab_separated(stores: Stores) -> None:
    hash_ = stores.jobs.create(request(), defer=defer)
    head, line = run("list")[1].splitlines()
    assert head.split("\t")[:2] == ["hash", "state"]
    assert line.split("\t")[:2] == [hash_, "queued"]


def test_a_job_is_shown_with_its_failures_and_without_queries(stores: Stores) -> None:
    hash_ = a_failed_job(stores)
    code, out, _ = run("show", hash_)
    assert code == 0
    assert "files-failed" in out
    assert "?" not in out
    document = json.loads(run("show", hash_, "--json")[1])
    assert document["attempt"] == 1
    assert len(document["failures"]) == 1


def test_a_queued_job_is_cancelled_and_a_failed_one_tried_again(stores: Stores) -> None:
    queued = stores.jobs.create(request(), defer=defer)
    assert run("cancel", queued)[:2] == (0, f"{queued} is cancelled\n")
    broken = a_failed_job(stores)
    assert run("retry", broken, "--on-error", "skip")[:2] == (0, f"{broken} is queued\n")
    assert [task.kind for task in stores.engine.to_do(broken)] == ["build"]
    document = json.loads(run("show", broken, "--json")[1])
    assert document["on_error"] == "skip"
    assert document["tasks"][0]["in_work"] is False


def test_a_job_is_found_by_the_digits_that_the_log_has_of_its_hash(stores: Stores) -> None:
    hash_ = a_failed_job(stores)
    stores.jobs.create(request(), defer=defer)
    assert json.loads(run("show", hash_[:8], "--json")[1])["hash"] == hash_
    assert run("retry", hash_[:8])[:2] == (0, f"{hash_} is queued\n")
    assert run("cancel", hash_[:8])[:2] == (0, f"{hash_} is cancelled\n")
    assert run("show", hash_[:7])[0] == 2


def test_digits_that_several_hashes_begin_with_are_refused(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = [f"{number:08x}".ljust(32, "0") for number in (1, 2)] + ["00000001" + "f" * 24]
    monkeypatch.setattr("secrets.token_hex", lambda _size: hashes.pop())
    for _ in range(3):
        stores.jobs.create(request(), defer=defer)
    code, _, err = run("show", "00000001")
    assert code == 2
    assert "give more digits" in err
    assert run("show", "00000002")[0] == 0


@pytest.mark.parametrize("command", ["show", "cancel", "retry", "finish"])
def test_a_job_that_is_none_is_said(stores: Stores, command: str) -> None:
    assert stores.jobs.newest() == ()
    assert run(command, "0" * 32)[0] == 2
    assert run(command, "nonsense")[0] == 2


def test_what_the_state_forbids_is_said(stores: Stores) -> None:
    broken = a_failed_job(stores)
    code, _, err = run("cancel", broken)
    assert code == 2
    assert "The job is failed" in err


def test_looking_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKMULE_DATA_DIR", str(tmp_path / "none"))
    code, _, err = run("list")
    assert code == 2
    assert "PACKMULE_DATA_DIR" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("revision", "word"), [("9999", "newer"), ("0002", "older")])
def test_a_database_of_another_version_is_refused(
    stores: Stores, tmp_path: Path, revision: str, word: str
) -> None:
    assert stores.jobs.newest() == ()
    database = connect(f"sqlite:///{tmp_path / 'packmule.db'}")
    with writing(database) as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )
    database.dispose()
    code, _, err = run("list")
    assert code == 2
    assert word in err


def test_nothing_a_stranger_chose_reaches_the_terminal_raw() -> None:
    assert harmless("a\x1b[2Jb\x07\r\n\u202e") == "a\ufffd[2Jb\ufffd\ufffd\ufffd\ufffd"
