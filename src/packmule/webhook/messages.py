"""Webhook messages, kept until some time after they were delivered or given up.

Owns each message's state, written only here. A message is put in within the transaction of the
change that it tells; how a try ended is one transaction; so after a kill a message is tried once
more, and never forgotten. Leaves SQL to `queries.py`, when to try again to `retry_schedule.py`.

    waiting ──(a try)──> waiting     later, at `next_at`
       ^ └────(a try)──> delivered
       │ └────(a try)──> given-up
       └────(replay)──── either, with the same name
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from packmule.errors import NotFound
from packmule.jobs.database import reading, writing
from packmule.webhook import queries
from packmule.webhook.retry_schedule import Again, Delivered

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row

    from packmule.webhook.retry_schedule import Verdict

# Puts the task of a message into the queue: its name, and on behalf of which client it is where a
# job has named the URL (else None).
Defer = Callable[[Connection, str, str | None], None]

_LAST_ID = 2**62
_FORGET_AT_ONCE = 500


class MessageState(StrEnum):
    """Where a message is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is kept; instants in seconds since the epoch.

    `name` is its id on the wire, `hash` the job's, `url` the job's own (None: the operator's).
    `round` counts the replays, `tries` the tries since the last one. `http_status` and `detail`
    tell of the last try.
    """

    id: int
    name: str
    hash: str
    kind: str
    url: str | None
    state: MessageState
    round: int
    tries: int
    created_at: float
    tried_at: float | None
    next_at: float | None
    http_status: int | None
    detail: str | None
    body: str = ""


class WaitingMessage(NamedTuple):
    """What the task of a message is made of; `due_in` seconds it is to be tried."""

    id: int
    name: str
    is_of_a_job: bool
    due_in: float


class MessageStore:
    """Remembers messages, in the database of the jobs. `clock` gives seconds since the epoch."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def add(
        self, connection: Connection, *, hash_: str, kind: str, url: str | None, body: str
    ) -> str:
        """Add a message in the transaction of `connection`, and return its name."""
        name, now = f"msg_{secrets.token_hex(16)}", self._clock()
        row = {"name": name, "hash": hash_, "kind": kind, "url": url, "body": body}
        waiting = {"state": MessageState.WAITING.value, "tries": 0}
        connection.execute(queries.INSERT, row | waiting | {"created_at": now, "next_at": now})
        return name

    def find(self, name: str) -> Message | None:
        """Look a message up, with its body."""
        with reading(self._engine) as connection:
            row = connection.execute(queries.MESSAGE, {"of_name": name}).one_or_none()
        return None if row is None else _message_of(row, body=row.body)

    def record(self, message: Message, verdict: Verdict) -> bool:
        """Record how a try at a message has ended; False where the message has changed since."""
        now = self._clock()
        values: dict[str, Any] = {
            "of_name": message.name,
            "of_round": message.round,
            "of_tries": message.tries,
            "now": now,
            "new_next_at": None,
            "new_ended_at": now,
            "new_status": verdict.status,
            "new_detail": None if isinstance(verdict, Delivered) else verdict.detail,
        }
        match verdict:
            case Delivered():
                state = MessageState.DELIVERED
            case Again(pause):
                state = MessageState.WAITING
                values |= {"new_next_at": now + pause, "new_ended_at": None}
            case _:
                state = MessageState.GIVEN_UP
        with writing(self._engine) as connection:
            found = connection.execute(queries.RECORD, values | {"new_state": state.value})
        return found.rowcount == 1

    def newest(
        self,
        *,
        state: MessageState | None = None,
        hash_: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Message, ...]:
        """List messages without their bodies, the newest first: of a state, or else of a job."""
        values: dict[str, Any] = {"before": _LAST_ID if before is None else before, "most": limit}
        statement = queries.NEWEST
        if hash_ is not None:
            statement = queries.NEWEST_OF_JOB
            values["of_hash"] = hash_
        if state is not None:
            statement = statement.where(queries.IN_STATE)
            values["of_state"] = state.value
        with reading(self._engine) as connection:
            return tuple(map(_message_of, connection.execute(statement, values)))

    def waiting(self, after: int, limit: int) -> tuple[WaitingMessage, ...]:
        """List messages that are to be delivered, by number, those behind `after`."""
        values = {"after": after, "most": limit}
        now = self._clock()
        with reading(self._engine) as connection:
            return tuple(
                WaitingMessage(row.id, row.name, row.url is not None, max(0.0, row.next_at - now))
                for row in connection.execute(queries.WAITING_BY_ID, values)
            )

    def replay(self, name: str, defer: Defer) -> None:
        """Deliver a message again, whatever became of it. Raises NotFound."""
        with writing(self._engine) as connection:
            values = {"of_name": name, "now": self._clock()}
            row = connection.execute(queries.REPLAY, values).one_or_none()
            if row is None:
                raise NotFound("There is no message of that id (any more).")
            defer(connection, row.name, None if row.url is None else "")

    def replay_given_up(self, defer: Defer) -> int:
        """Deliver all messages that were given up again, and return how many there are."""
        with writing(self._engine) as connection:
            rows = connection.execute(queries.REPLAY_GIVEN_UP, {"now": self._clock()}).all()
            for row in rows:
                defer(connection, row.name, None if row.url is None else "")
        return len(rows)

    def forget(self, older_than: float) -> int:
        """Delete messages that ended so many seconds ago, some at a time; return how many."""
        values = {"until": self._clock() - older_than, "most": _FORGET_AT_ONCE}
        with writing(self._engine) as connection:
            return connection.execute(queries.FORGET, values).rowcount


def _message_of(row: Row[Any], body: str = "") -> Message:
    return Message(
        id=row.id,
        name=row.name,
        hash=row.hash,
        kind=row.kind,
        url=row.url,
        state=MessageState(row.state),
        round=row.round,
        tries=row.tries,
        created_at=row.created_at,
        tried_at=row.tried_at,
        next_at=row.next_at,
        http_status=row.http_status,
        detail=row.detail,
        body=body,
    )
