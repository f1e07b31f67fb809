"""`packmule keys new`: an API key for a client, and its entry for the settings."""

from __future__ import annotations

import click

from packmule.errors import UsageError
from packmule.web.api_keys import entry, new_key


@click.group()
def keys() -> None:
    """Manage API keys."""


@keys.command()
@click.argument("name")
def new(name: str) -> None:
    """Create an API key for the client NAME. It is shown only once.

    The client sends the key as `Authorization: Bearer KEY`. Add the entry, which does not reveal
    the key, to PACKMULE_API_KEYS, or as a line to PACKMULE_API_KEYS_FILE.
    """
    key = new_key()
    try:
        listed = entry(name, key)
    except ValueError as error:
        raise UsageError(f"{name!r} is not a valid client name: {error}.") from error
    click.echo(f"key    {key}\nentry  {listed}")
