"""`packmule keys new`: a key for a client, and its entry for the operator's list."""

from __future__ import annotations

import click

from packmule.errors import UsageError
from packmule.web.api_keys import entry, new_key


@click.group()
def keys() -> None:
    """Make keys for the clients that may create archives."""


@keys.command()
@click.argument("name")
def new(name: str) -> None:
    """Make a key for the client NAME, which is shown this once.

    The client sends the key as `Authorization: Bearer KEY`. The entry, which tells nothing of the
    key, goes into PACKMULE_API_KEYS, or onto a line of PACKMULE_API_KEYS_FILE.
    """
    key = new_key()
    try:
        listed = entry(name, key)
    except ValueError as error:
        raise UsageError(f"{name!r} cannot be used: {error}.") from error
    click.echo(f"key    {key}\nentry  {listed}")
