"""`packmule settings`, `openapi` and `manual`: the references, printed."""

from __future__ import annotations

import json

import click

from packmule.settings import TABLE


@click.command()
def settings() -> None:
    """List the settings (environment variables) and their defaults."""
    width = max(len(each.name) for each in TABLE)
    for each in TABLE:
        click.echo(f"{each.name:<{width}}  {each.help}; default: {each.shown_default}")


@click.command()
def openapi() -> None:
    """Print the OpenAPI description of the API."""
    from packmule.web.app import description  # noqa: PLC0415  # only this command needs it

    click.echo(json.dumps(description(), indent=2, ensure_ascii=False))


@click.command()
@click.pass_context
def manual(context: click.Context) -> None:
    """Print the manual page.

    \b
    To read it, and to install it:
      packmule manual | man -l -
      packmule manual > /usr/local/share/man/man1/packmule.1
    """  # noqa: D301  # \b is click's mark of lines that stay as they are
    from packmule.cli.reference import as_manual  # noqa: PLC0415  # only this command needs it

    main = context.find_root().command
    assert isinstance(main, click.Group)  # noqa: S101  # it is the group of all commands
    click.echo(as_manual(main), nl=False)
