"""`packmule webhooks`: the operator's look at what webhooks were told, and telling it anew.

Owns the commands and what they show. Reads the database of the settings, as `packmule jobs` does. A
webhook is shown without its query.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from packmule import settings as settings_module
from packmule.cli.archive_hash import ArchiveHash
from packmule.errors import NotFound, UsageError

if TYPE_CHECKING:
    from packmule.webhook.messages import Message

_NAME = re.compile(r"msg_[0-9a-f]{32}")
_STATES = ("waiting", "delivered", "given-up")
_COLUMNS = ("message", "state", "hash", "type", "tries", "http_status", "next_at", "detail")
_SECRET_BYTES = 32


class MessageName(click.ParamType[str]):
    """A message's id."""

    name = "message"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it."""
        if not _NAME.fullmatch(value):
            self.fail(f"{value!r} is no message: that is msg_ and 32 digits.", param, ctx)
        return str(value)


@click.group()
def webhooks() -> None:
    """Look at what webhooks were told, tell it anew; the service may run meanwhile."""


@webhooks.command("list")
@click.option("--state", type=click.Choice(_STATES))
@click.option("--job", type=ArchiveHash(), help="Only the messages about this job.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option(
    "--before", type=MessageName(), help="Go on behind this message, the last one of a page."
)
@click.option("--json", "as_json", is_flag=True, help="An object a line, with all fields.")
def list_(
    *, state: str | None, job: str | None, limit: int, before: str | None, as_json: bool
) -> None:
    """List messages, the newest first: their state, tries, last answer and next try.

    A message is kept for thirty days after its end.
    """
    from packmule.cli.tables import show_rows  # noqa: PLC0415
    from packmule.webhook.messages import MessageState  # noqa: PLC0415
    from packmule.wiring.operator import open_for_operator  # noqa: PLC0415

    with open_for_operator(settings_module.read(os.environ)) as stores:
        last = None if before is None else stores.messages.find(before)
        if before is not None and last is None:
            raise UsageError("There is no message of that id (any more).")
        found = stores.messages.newest(
            state=None if state is None else MessageState(state),
            hash_=job,
            before=None if last is None else last.id,
            limit=limit,
        )
    show_rows([_row(message) for message in found], _COLUMNS, as_json=as_json)
    if not as_json and len(found) == limit:
        click.echo(f"More: --before {found[-1].name}", err=True)


@webhooks.command()
@click.argument("messages", type=MessageName(), metavar="[MESSAGE]...", nargs=-1)
@click.option("--given-up", is_flag=True, help="All that were given up.")
def replay(messages: tuple[str, ...], *, given_up: bool) -> None:
    """Hand messages over anew, under the same ids, whatever became of them."""
    from packmule.wiring.operator import open_for_operator  # noqa: PLC0415

    if bool(messages) is given_up:
        raise UsageError("Name messages, or --given-up for all that were given up.")
    with open_for_operator(settings_module.read(os.environ)) as stores:
        if given_up:
            click.echo(f"{stores.messages.replay_given_up(stores.defer_delivery)} messages wait")
        for name in messages:
            try:
                stores.messages.replay(name, stores.defer_delivery)
            except NotFound as error:
                raise UsageError(f"{name}: {error}") from error
            click.echo(f"{name} is waiting")


@webhooks.command()
def secret() -> None:
    """Make a secret for PACKMULE_WEBHOOK_SECRET, to be given to the receiver as well."""
    text = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
    click.echo(f"whsec_{text}")


def _row(message: Message) -> dict[str, Any]:
    """Give what the operator sees of a message."""
    return {
        "message": message.name,
        "state": message.state.value,
        "hash": message.hash,
        "type": message.kind,
        "webhook": _place(message.url),
        "created_at": _instant(message.created_at),
        "tries": message.tries,
        "tried_at": _instant(message.tried_at),
        "http_status": message.http_status,
        "next_at": _instant(message.next_at),
        "detail": message.detail,
    }


def _place(url: str | None) -> str:
    return "PACKMULE_WEBHOOK_URL" if url is None else re.split(r"[?#]", url, maxsplit=1)[0]


def _instant(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    at = datetime.fromtimestamp(seconds, UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
