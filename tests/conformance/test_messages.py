"""The messages of webhooks: a change and its message are one, and each end is recorded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import PUBLISHED, begun, checkpoint, done

from packmule.outbound.outcomes import Answered
from packmule.webhook.announcing import Announcer
from packmule.webhook.messages import MessageState, MessageStore
from packmule.webhook.retry_schedule import RetrySchedule

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database
    from tests.fakes.clock import FakeClock

    from packmule.jobs.model import Job
    from packmule.jobs.store import JobStore
    from packmule.webhook.messages import Message

OWN = "https://hooks.example/x"
DAY = 86_400.0


@pytest.fixture
def messages(db: Database, clock: FakeClock) -> MessageStore:
    return MessageStore(db, clock)


@pytest.fixture
def deferred() -> list[tuple[str, str | None]]:
    return []


@pytest.fixture
def announcer(messages: MessageStore, deferred: list[tuple[str, str | None]]) -> Announcer:
    def defer(_connection: Connection, name: str, client: str | None) -> None:
        deferred.append((name, client))

    return Announcer(
        messages, defer, lambda _connection, job: {"status": job.state.value},
        lambda _job, part: {"size": part.size}, predefined=True, of_jobs=True,
    )  # fmt: skip


def complete(store: JobStore, announcer: Announcer) -> str:
    run = begun(store, webhook_url=OWN, client="ann")
    job = store.complete(
        run.fence,
        PUBLISHED,
        checkpoint(done()),
        in_same_transaction=announcer.announce,
    )
    return job.hash


def try_once(messages: MessageStore, message: Message, status: int) -> MessageState:
    verdict = RetrySchedule().judge(Answered(status), message.tries + 1, 0.0)
    messages.record(message, verdict)
    found = messages.find(message.name)
    assert found is not None
    return found.state


def test_a_completed_job_has_its_messages(
    store: JobStore, messages: MessageStore, announcer: Announcer,
    deferred: list[tuple[str, str | None]],
) -> None:  # fmt: skip
    hash_ = complete(store, announcer)
    own, operators = messages.newest(hash_=hash_)
    assert deferred == [(operators.name, None), (own.name, "ann")]
    assert (own.state, own.tries, own.url) == (MessageState.WAITING, 0, OWN)
    found = messages.find(own.name)
    assert found is not None
    assert hash_ in found.body


def test_a_change_that_is_undone_has_none(
    store: JobStore, messages: MessageStore, announcer: Announcer
) -> None:
    run = begun(store)

    def in_same_transaction(connection: Connection, job: Job) -> None:
        announcer.announce(connection, job)
        raise RuntimeError("the commit never came")

    with pytest.raises(RuntimeError):
        store.complete(
            run.fence,
            PUBLISHED,
            checkpoint(done()),
            in_same_transaction=in_same_transaction,
        )
    assert messages.newest() == ()


def test_tries_are_recorded_and_the_end_is_the_end(
    store: JobStore, messages: MessageStore, announcer: Announcer, clock: FakeClock
) -> None:
    complete(store, announcer)
    first, second = messages.newest()
    assert try_once(messages, first, 500) is MessageState.WAITING
    again = messages.find(first.name)
    assert again is not None
    assert (again.tries, again.http_status) == (1, 500)
    assert again.next_at == pytest.approx(clock() + 5.0)
    assert try_once(messages, again, 204) is MessageState.DELIVERED
    # The same try told twice, as by a worker that was believed dead.
    assert try_once(messages, again, 500) is MessageState.DELIVERED
    assert try_once(messages, second, 410) is MessageState.GIVEN_UP
    assert [each.name for each in messages.newest(state=MessageState.GIVEN_UP)] == [second.name]


def test_a_message_that_is_replayed_during_its_first_try_waits_for_the_next(
    store: JobStore, messages: MessageStore, announcer: Announcer
) -> None:
    complete(store, announcer)
    under_way = messages.newest()[0]
    messages.replay(under_way.name, lambda *_: None)
    assert try_once(messages, under_way, 410) is MessageState.WAITING
    again = messages.find(under_way.name)
    assert again is not None
    assert (again.round, again.tries) == (1, 0)
    assert try_once(messages, again, 204) is MessageState.DELIVERED


def test_what_was_given_up_is_replayed_and_what_ended_long_ago_forgotten(
    store: JobStore, messages: MessageStore, announcer: Announcer, clock: FakeClock
) -> None:
    complete(store, announcer)
    first, second = messages.newest()
    try_once(messages, first, 410)
    try_once(messages, second, 200)
    replayed: list[tuple[str, str | None]] = []
    assert messages.replay_given_up(lambda _c, name, client: replayed.append((name, client))) == 1
    assert replayed == [(first.name, "")]
    assert messages.forget(DAY) == 0
    clock.advance(2 * DAY)
    assert messages.forget(DAY) == 1
    assert [each.name for each in messages.newest()] == [first.name]
