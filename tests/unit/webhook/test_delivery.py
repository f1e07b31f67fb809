"""Delivery: the row decides what a task does, and what a try's end makes of both."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from tests.fakes.clock import FakeClock
from tests.fakes.databases import migrated
from tests.fakes.jobs import PUBLISHED, begun, checkpoint, done, in_state, no_defer, request

from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Later, Task
from packmule.errors import FailureCode, NotFound
from packmule.jobs import database
from packmule.jobs.model import JobState
from packmule.jobs.store import JobStore
from packmule.outbound.outcomes import Answered, TryFailed
from packmule.telemetry.metrics import WEBHOOK_TRIES
from packmule.webhook.announcing import Announcer
from packmule.webhook.delivery import KEEP, Delivery
from packmule.webhook.messages import Message, MessageState, MessageStore
from packmule.webhook.retry_schedule import PAUSES, Again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from packmule.jobs.model import Job
    from packmule.outbound.urls import Url

OPERATORS = "http://receiver:8080/hook"
OWN = "https://hooks.example/x?key=s3cret"
GO_ON = Event()


@dataclass
class FakePoster:
    """Answers as it is told, the last answer again and again, and notes what is sent."""

    answers: list[Answered | TryFailed] = field(default_factory=lambda: [Answered(204)])
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    def post(self, url: Url, fields: Mapping[str, str], body: bytes) -> Answered | TryFailed:
        self.sent.append((url.text, fields, body))
        self.during()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class House:
    """A job store, messages and their delivery, on a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.engine = migrated(folder / "packmule.db")
        self.jobs = JobStore(self.engine, self.clock)
        self.messages = MessageStore(self.engine, self.clock)
        self.queue = EmbeddedEngine(self.engine, self.clock)
        self.predefined, self.own = FakePoster(), FakePoster()
        self.announcer = Announcer(
            self.messages, self.defer, lambda _connection, job: {"status": job.state.value},
            lambda _job, part: {"size": part.size}, predefined=True, of_jobs=True,
        )  # fmt: skip
        self.delivery = Delivery(
            self.messages, OPERATORS, self.predefined, self.own, (b"s" * 24,),  # type: ignore[arg-type]
            clock=self.clock, chance=lambda: 0.0,
        )  # fmt: skip

    def defer(self, connection: Connection, name: str, client: str | None) -> None:
        kind = "webhook" if client is None else "job-webhook"
        self.queue.defer(connection, Task(kind, name, client=client or ""))

    def complete(self, **fields: Any) -> str:
        """Complete a job, and give its hash."""
        run = begun(self.jobs, **fields)
        job = self.jobs.complete(
            run.fence,
            PUBLISHED,
            checkpoint(done()),
            in_same_transaction=self.announcer.announce,
        )
        return job.hash

    def a_message(self) -> str:
        """Give the name of a message that waits for its first try."""
        self.complete()
        return self.messages.newest()[0].name

    def found(self, name: str) -> Message:
        message = self.messages.find(name)
        assert message is not None
        return message

    def tasks(self) -> set[tuple[str, str]]:
        with database.reading(self.engine) as connection:
            rows = connection.execute(text("SELECT kind, key FROM tasks")).all()
        return {(row.kind, row.key) for row in rows}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.engine.dispose()


# --- what is told -------------------------------------------------------------------------------


def test_each_webhook_gets_a_message_and_a_task_of_its_own(house: House) -> None:
    hash_ = house.complete(webhook_url=OWN)
    own, operators = house.messages.newest()
    assert (operators.url, own.url) == (None, OWN)
    assert house.tasks() == {("webhook", operators.name), ("job-webhook", own.name)}
    body = house.found(own.name).body
    assert json.loads(body) == {
        "type": "archive.completed",
        "timestamp": "2026-03-01T12:30:15.123457Z",
        "data": {"archive_hash": hash_, "status": "completed"},
    }
    assert body == house.found(operators.name).body


def test_nobody_to_tell_is_no_message(house: House) -> None:
    house.announcer = replace(house.announcer, predefined=False)
    house.complete()
    assert house.messages.newest() == ()
    house.announcer = replace(house.announcer, of_jobs=False)
    house.complete(webhook_url=OWN)
    assert house.messages.newest() == ()


def test_only_an_end_is_told(house: House) -> None:
    hash_ = house.jobs.create(request(), defer=no_defer)
    house.jobs.delete(hash_, in_same_transaction=house.announcer.announce)
    assert [message.kind for message in house.messages.newest()] == ["archive.cancelled"]
    again = in_state(house.jobs, JobState.COMPLETED)
    house.jobs.expire(again, in_same_transaction=house.announcer.announce)
    assert len(house.messages.newest()) == 1


def test_a_change_that_is_undone_tells_nothing(house: House) -> None:
    run = begun(house.jobs)

    def in_same_transaction(connection: Connection, job: Job) -> None:
        house.announcer.announce(connection, job)
        raise RuntimeError("the commit never came")

    with pytest.raises(RuntimeError):
        house.jobs.complete(
            run.fence,
            PUBLISHED,
            checkpoint(done()),
            in_same_transaction=in_same_transaction,
        )
    assert house.messages.newest() == ()
    assert house.tasks() == set()


# --- a try --------------------------------------------------------------------------------------


def test_a_message_is_sent_signed_to_its_own_webhook_and_then_over(house: House) -> None:
    house.complete(webhook_url=OWN)
    for message in house.messages.newest():
        assert house.delivery.deliver(message.name, GO_ON) is None
        assert house.found(message.name).state is MessageState.DELIVERED
        assert house.delivery.deliver(message.name, GO_ON) is None
    [(url, fields, _)] = house.own.sent
    assert url == OWN
    assert set(fields) == {
        "content-type", "webhook-id", "webhook-timestamp", "webhook-signature",
    }  # fmt: skip
    assert [url for url, _, _ in house.predefined.sent] == [OPERATORS]


def test_after_each_failed_try_the_id_stays_and_the_signature_is_fresh(house: House) -> None:
    name = house.a_message()
    house.predefined.answers = [Answered(500)]
    for pause in PAUSES:
        assert house.delivery.deliver(name, GO_ON) == Later(pause)
        house.clock.advance(pause)
    assert house.delivery.deliver(name, GO_ON) is None
    message = house.found(name)
    assert (message.state, message.tries, message.http_status) == (MessageState.GIVEN_UP, 10, 500)
    assert {fields["webhook-id"] for _, fields, _ in house.predefined.sent} == {name}
    assert len({fields["webhook-signature"] for _, fields, _ in house.predefined.sent}) == 10


def test_a_task_that_wakes_too_early_goes_back_to_sleep(house: House) -> None:
    """As after a kill between the record of a try and the task's return to the queue."""
    name = house.a_message()
    house.predefined.answers = [Answered(500)]
    house.delivery.deliver(name, GO_ON)
    house.clock.advance(2.0)
    later = house.delivery.deliver(name, GO_ON)
    assert later is not None
    assert later.delay == pytest.approx(3.0)
    assert len(house.predefined.sent) == 1


def test_a_message_is_tried_when_its_task_wakes_although_the_clock_was_set_back(
    house: House,
) -> None:
    name = house.a_message()
    house.predefined.answers = [Answered(500)]
    house.delivery.deliver(name, GO_ON)
    house.clock.advance(-3600.0)
    house.delivery.deliver(name, GO_ON)
    assert len(house.predefined.sent) == 2


def test_a_worker_that_is_to_stop_begins_no_try(house: House) -> None:
    stop = Event()
    stop.set()
    assert house.delivery.deliver(house.a_message(), stop) == Later(0.0)
    assert house.predefined.sent == []


def test_a_task_without_a_message_is_over(house: House) -> None:
    assert house.delivery.deliver("msg_" + "0" * 32, GO_ON) is None


def test_a_webhook_that_is_not_set_any_more_is_waited_for(house: House) -> None:
    name = house.a_message()
    delivery = replace(house.delivery, url=None)
    assert isinstance(delivery.deliver(name, GO_ON), Later)
    assert "PACKMULE_WEBHOOK_URL" in str(house.found(name).detail)


def test_jobs_webhooks_that_are_forbidden_meanwhile_are_given_up(house: House) -> None:
    house.complete(webhook_url=OWN)
    name = next(each.name for each in house.messages.newest() if each.url)
    assert replace(house.delivery, own=None).deliver(name, GO_ON) is None
    assert house.found(name).state is MessageState.GIVEN_UP
    assert house.own.sent == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answered(200), "delivered"),
        (Answered(302), "retried"),
        (TryFailed(FailureCode.TIMEOUT, "late"), "retried"),
        (Answered(410), "given-up"),
    ],
)
def test_each_try_is_counted_by_its_outcome(
    house: House, answer: Answered | TryFailed, outcome: str
) -> None:
    before = dict(WEBHOOK_TRIES.values())
    house.predefined.answers = [answer]
    house.delivery.deliver(house.a_message(), GO_ON)
    after = dict(WEBHOOK_TRIES.values())
    assert {key: after[key] - before[key] for key in after if after[key] != before[key]} == {
        (outcome,): 1
    }


# --- replay and clean-up ------------------------------------------------------------------------


def test_a_replay_hands_a_message_over_anew_with_all_its_tries(house: House) -> None:
    name = house.a_message()
    house.predefined.answers = [Answered(410), Answered(204)]
    house.delivery.deliver(name, GO_ON)
    house.messages.replay(name, house.defer)
    assert ("webhook", name) in house.tasks()
    assert house.found(name).tries == 0
    house.delivery.deliver(name, GO_ON)
    assert house.found(name).state is MessageState.DELIVERED
    with pytest.raises(NotFound):
        house.messages.replay("msg_" + "0" * 32, house.defer)


def test_a_replay_in_the_middle_of_a_try_is_not_lost(house: House) -> None:
    name = house.a_message()
    house.predefined.answers = [Answered(500), Answered(204)]
    house.delivery.deliver(name, GO_ON)
    house.clock.advance(5.0)
    house.predefined.during = lambda: house.messages.replay(name, house.defer)
    house.delivery.deliver(name, GO_ON)
    assert house.found(name).state is MessageState.WAITING
    house.predefined.during = lambda: None
    house.delivery.deliver(name, GO_ON)
    assert house.found(name).state is MessageState.DELIVERED


@pytest.mark.parametrize("answer", [Answered(410), Answered(500), Answered(204)])
def test_a_replay_in_the_middle_of_the_first_try_is_not_lost(
    house: House, answer: Answered
) -> None:
    name = house.a_message()
    house.predefined.answers = [answer, Answered(204)]
    house.predefined.during = lambda: house.messages.replay(name, house.defer)
    house.delivery.deliver(name, GO_ON)
    message = house.found(name)
    assert (message.state, message.tries) == (MessageState.WAITING, 0)
    house.predefined.during = lambda: None
    house.delivery.deliver(name, GO_ON)
    assert house.found(name).state is MessageState.DELIVERED
    assert len(house.predefined.sent) == 2


def test_a_try_that_was_overtaken_does_not_end_the_task_of_a_message_that_waits(
    house: House,
) -> None:
    name = house.a_message()
    overtaken = house.found(name)
    house.predefined.answers = [Answered(204)]

    def other_try() -> None:
        house.messages.record(overtaken, Again(5.0, 500, "the receiver answered 500"))

    house.predefined.during = other_try
    # The other try's worker may have lost the task to us; only our task is left then.
    assert house.delivery.deliver(name, GO_ON) == Later(0.0)
    assert house.delivery.deliver(name, GO_ON) == Later(5.0)


def test_all_that_were_given_up_are_replayed_and_no_other(house: House) -> None:
    gone = [house.a_message() for _ in range(3)]
    house.predefined.answers = [Answered(410)]
    for name in gone:
        house.delivery.deliver(name, GO_ON)
    house.a_message()
    assert house.messages.replay_given_up(house.defer) == 3
    assert house.messages.replay_given_up(house.defer) == 0
    assert len(house.messages.newest(state=MessageState.WAITING)) == 4


def test_a_message_is_forgotten_long_after_its_end_and_never_before(house: House) -> None:
    ended, waiting = house.a_message(), house.a_message()
    house.delivery.deliver(ended, GO_ON)
    house.clock.advance(KEEP - 1)
    assert isinstance(house.delivery.clean("messages", GO_ON), Later)
    assert house.messages.find(ended) is not None
    house.clock.advance(1)
    house.delivery.clean("messages", GO_ON)
    assert house.messages.find(ended) is None
    assert house.messages.find(waiting) is not None


def test_lists_are_by_state_and_by_job_page_by_page(house: House) -> None:
    hashes = [house.complete() for _ in range(3)]
    newest = house.messages.newest(limit=2)
    assert [message.hash for message in newest] == [hashes[2], hashes[1]]
    assert [each.hash for each in house.messages.newest(before=newest[-1].id)] == hashes[:1]
    assert [each.hash for each in house.messages.newest(hash_=hashes[1])] == [hashes[1]]
    assert house.messages.newest(state=MessageState.DELIVERED) == ()
