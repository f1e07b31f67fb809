"""Every statement over the table `messages`, named.

Owns the SQL (as SQLAlchemy Core, one text for SQLite and PostgreSQL); leaves when to run which to
`messages.py`. The table is made by the job store's migrations.
"""

from __future__ import annotations

from sqlalchemy import Text, bindparam, delete, insert, select, update

from packmule.jobs.schema import messages

_OF_NAME = messages.c.name == bindparam("of_name")

INSERT = insert(messages)

MESSAGE = select(messages).where(_OF_NAME)

# Only of the try that was begun: whatever came between (a replay, another worker) counts. A replay
# begins a new round of tries, or the first try's end would be taken for that of the new first one.
RECORD = (
    update(messages)
    .where(
        _OF_NAME,
        messages.c.state == "waiting",
        messages.c.round == bindparam("of_round"),
        messages.c.tries == bindparam("of_tries"),
    )
    .values(
        state=bindparam("new_state"),
        tries=messages.c.tries + 1,
        tried_at=bindparam("now"),
        next_at=bindparam("new_next_at"),
        ended_at=bindparam("new_ended_at"),
        http_status=bindparam("new_status"),
        detail=bindparam("new_detail"),
    )
)

_REPLAY_ALL = (
    update(messages)
    .values(
        state="waiting",
        round=messages.c.round + 1,
        tries=0,
        next_at=bindparam("now"),
        ended_at=None,
    )
    .returning(messages.c.name, messages.c.url)
)

REPLAY = _REPLAY_ALL.where(_OF_NAME)

REPLAY_GIVEN_UP = _REPLAY_ALL.where(messages.c.state == "given-up")

# The body, which may be long, is left where it is.
_LISTED = [column for column in messages.c if column.name != "body"]

NEWEST = (
    select(*_LISTED)
    .where(messages.c.id < bindparam("before"))
    .order_by(messages.c.id.desc())
    .limit(bindparam("most"))
)

IN_STATE = messages.c.state == bindparam("of_state", type_=Text)

NEWEST_OF_JOB = NEWEST.where(messages.c.hash == bindparam("of_hash", type_=Text))

WAITING_BY_ID = (
    select(messages.c.id, messages.c.name, messages.c.url, messages.c.next_at)
    .where(messages.c.state == "waiting", messages.c.id > bindparam("after"))
    .order_by(messages.c.id)
    .limit(bindparam("most"))
)

LONG_OVER = (
    select(messages.c.id)
    .where(messages.c.ended_at.is_not(None), messages.c.ended_at <= bindparam("until"))
    .order_by(messages.c.ended_at)
    .limit(bindparam("most"))
)

FORGET = delete(messages).where(messages.c.id.in_(LONG_OVER))
