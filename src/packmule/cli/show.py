"""`packmule settings` and `packmule openapi`: what there is to set, and what the API takes."""

from __future__ import annotations

import json

import click

from packmule.settings import TABLE


@click.command()
def settings() -> None:
    """List the settings, which are environment variables, and their defaults."""
    width = max(len(each.name) for each in TABLE)
    for each in TABLE:
        click.echo(f"{each.name:<{width}}  {each.help}; default: {each.shown_default}")


@click.command()
def openapi() -> None:
    """Write the description of the API, as docs/openapi.json has it."""
    from packmule.web.app import description  # noqa: PLC0415  # only this command needs it

    click.echo(json.dumps(description(), indent=2, ensure_ascii=False))
