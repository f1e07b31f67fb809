"""The reference of the command line, as docs/cli.md has it, made from the commands themselves.

Owns turning commands into text. The flags of `serve` that are settings are left to
docs/settings.md, which lists them with the same words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from packmule.settings import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 96


def as_markdown(main: click.Group) -> str:
    """Write what every command that is shown says of itself."""
    return "\n\n".join(
        f"## {name}\n\n```text\n{text}\n```" for name, text in _pages(main, "packmule", None)
    )


def _pages(
    group: click.Group, path: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    context = _context(group, path, parent)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = _context(command, name, context)
        yield f"{path} {name}", _without_settings(command, own).get_help(own).rstrip()
        if isinstance(command, click.Group):
            yield from _pages(command, f"{path} {name}", context)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH
    )


def _without_settings(command: click.Command, context: click.Context) -> click.Command:
    settings = {setting.field for setting in TABLE}
    kept = [each for each in command.params if each.name not in settings]
    if len(kept) == len(command.params) or isinstance(command, click.Group):
        return command
    context.command = click.Command(command.name, params=kept, help=command.help)
    return context.command
