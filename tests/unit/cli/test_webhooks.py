"""`packmule webhooks`: what the operator sees and does, on the database that the service uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.fakes.jobs import no_defer, request

from packmule.cli import main
from packmule.outbound.outcomes import Answered
from packmule.settings import read
from packmule.webhook.messages import MessageState
from packmule.webhook.retry_schedule import RetrySchedule
from packmule.webhook.signing import parse_secrets
from packmule.wiring.migrating import migrate
from packmule.wiring.stores import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packmule.wiring.stores import Stores

OWN = "https://hooks.example/x?key=s3cret"


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    environment = {
        "PACKMULE_DATA_DIR": str(tmp_path),
        "PACKMULE_WEBHOOK_URL": "http://receiver:8080/hook?token=s3cret",
        "PACKMULE_JOB_WEBHOOKS": "on",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = read(environment)
    migrate(settings)
    with open_stores(settings) as opened:
        yield opened


def run(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(main, arguments)
    return ended.exit_code, ended.stdout, ended.stderr


def a_cancelled_job(stores: Stores) -> str:
    """Cancel a job by hand: both webhooks are to be told."""
    hash_ = stores.jobs.create(request(webhook_url=OWN), defer=no_defer)
    assert run("jobs", "cancel", hash_)[0] == 0
    return hash_


def listed(*arguments: str) -> list[dict[str, object]]:
    code, out, _ = run("webhooks", "list", "--json", *arguments)
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


def give_up(stores: Stores, name: str) -> None:
    message = stores.messages.find(name)
    assert message is not None
    stores.messages.record(message, RetrySchedule().judge(Answered(410), 1, 0.0))


def test_a_job_cancelled_by_hand_is_told_too_and_no_query_is_shown(stores: Stores) -> None:
    hash_ = a_cancelled_job(stores)
    own, operators = listed()
    assert own["webhook"] == "https://hooks.example/x"
    assert operators["webhook"] == "PACKMULE_WEBHOOK_URL"
    for row in (own, operators):
        assert (row["hash"], row["state"], row["type"]) == (hash_, "waiting", "archive.cancelled")
    assert "s3cret" not in run("webhooks", "list")[1]


def test_a_list_is_by_state_by_job_and_by_page(stores: Stores) -> None:
    first, second = a_cancelled_job(stores), a_cancelled_job(stores)
    assert [row["hash"] for row in listed()] == [second, second, first, first]
    assert [row["hash"] for row in listed("--job", first)] == [first, first]
    assert listed("--state", "given-up") == []
    page = listed("--limit", "2")
    behind = str(page[-1]["message"])
    assert listed("--before", behind) == listed("--job", first)
    assert behind in run("webhooks", "list", "--limit", "2")[2]


def test_a_replay_is_of_those_named_or_of_all_that_were_given_up(stores: Stores) -> None:
    a_cancelled_job(stores)
    names = [str(row["message"]) for row in listed()]
    for name in names:
        give_up(stores, name)
    assert listed("--state", "given-up")[0]["http_status"] == 410
    assert run("webhooks", "replay", names[0])[:2] == (0, f"{names[0]} queued\n")
    assert run("webhooks", "replay", "--given-up")[:2] == (0, "1 message queued\n")
    assert len(stores.messages.newest(state=MessageState.WAITING)) == 2


@pytest.mark.parametrize(
    "arguments",
    [(), ("nonsense",), ("msg_" + "0" * 32,), ("--given-up", "msg_" + "0" * 32)],
)
def test_what_cannot_be_replayed_is_said(stores: Stores, arguments: tuple[str, ...]) -> None:
    assert stores.messages.newest() == ()
    assert run("webhooks", "replay", *arguments)[0] == 2


def test_a_secret_is_made_that_the_settings_take(stores: Stores) -> None:
    assert stores.messages.newest() == ()
    made = run("webhooks", "secret")[1].strip()
    assert len(parse_secrets(made)) == 1
    assert made != run("webhooks", "secret")[1].strip()
