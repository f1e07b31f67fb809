"""`packmule webhooks`: list webhook messages, and redeliver them.

Owns the commands and their output. Uses the database from the settings, as `packmule jobs` does. A
webhook's URL is shown without its query.
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
from packmule.cli import output_options
from packmule.cli.archive_hash import ArchiveHash
from packmule.cli.tables import number
from packmule.errors import NotFound, UsageError

if TYPE_CHECKING:
    from packmule.webhook.messages import Message

_NAME = re.compile(r"msg_[0-9a-f]{32}")
_STATES = ("waiting", "delivered", "given-up")
_COLUMNS = ("message", "state", "hash", "type", "tries", "http_status", "next_at", "detail")
_SECRET_BYTES = 32


class MessageName(click.ParamType[str]):
    """A message's ID."""

    name = "message"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the ID."""
        if not _NAME.fullmatch(value):
            self.fail(f"{value!r} is not a message ID (msg_ and 32 digits).", param, ctx)
        return str(value)


@click.group()
def webhooks() -> None:
    """List and redeliver webhook messages. The service may be running."""


@webhooks.command("list")
@click.option("--state", type=click.Choice(_STATES))
@click.option("--job", type=ArchiveHash(), help="Only messages about this job.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option(
    "--before", type=MessageName(), help="Continue after this message, the last one of a page."
)
@output_options.json_lines
def list_(
    *, state: str | None, job: str | None, limit: int, before: str | None, as_json: bool
) -> None:
    """List messages, newest first: state, tries, last response and next try.

    Messages are kept for 30 days after they were delivered or given up.
    """
    from packmule.cli.tables import show_rows  # noqa: PLC0415
    from packmule.webhook.messages import MessageState  # noqa: PLC0415
    from packmule.wiring.operator import open_for_operator  # noqa: PLC0415

    with open_for_operator(settings_module.read(os.environ)) as stores:
        last = None if before is None else stores.messages.find(before)
        if before is not None and last is None:
            raise UsageError("There is no such message (any more).")
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
@click.option("--given-up", is_flag=True, help="Redeliver all messages that were given up.")
def replay(messages: tuple[str, ...], *, given_up: bool) -> None:
    """Redeliver webhook messages, keeping their IDs."""
    from packmule.wiring.operator import open_for_operator  # noqa: PLC0415

    if bool(messages) is given_up:
        raise UsageError("Pass message IDs, or --given-up for all that were given up.")
    with open_for_operator(settings_module.read(os.environ)) as stores:
        if given_up:
            queued = stores.messages.replay_given_up(stores.defer_delivery)
            click.echo(f"{number(queued, 'message')} queued")
        for name in messages:
            try:
                stores.messages.replay(name, stores.defer_delivery)
            except NotFound as error:
                raise UsageError(f"{name}: {error}") from error
            click.echo(f"{name} queued")


@webhooks.command()
def secret() -> None:
    """Create a secret for PACKMULE_WEBHOOK_SECRET. The receiver needs it, too."""
    text = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
    click.echo(f"whsec_{text}")


def _row(message: Message) -> dict[str, Any]:
    """Return the fields of a message that the operator sees."""
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
