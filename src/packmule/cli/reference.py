"""The reference of the command line, generated from the commands: docs/cli.md and a man page.

A man page is roff (groff_man(7)): a line that begins with a dot or a quote is a request, a
backslash begins an escape, and a hyphen that is to be copied is written with one.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING

import click

import packmule
from packmule.settings import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 96


def as_markdown(main: click.Group) -> str:
    """Return the help of every visible command."""
    return "\n\n".join(
        f"## {name}\n\n```text\n{text}\n```" for name, text in _pages(main, "packmule", None)
    )


def as_manual(main: click.Group) -> str:
    """Return the man page `packmule(1)`: description, every command, every setting."""
    about = cleandoc(main.help or "").replace("\b\n", "")  # click's mark of lines that stay
    sentence, _, rest = about.partition("\n\n")
    lines = [
        f'.TH PACKMULE 1 "" "Packmule {packmule.__version__}" "User Commands"',
        *(".SH NAME", f"packmule \\- {_roff(sentence[0].lower() + sentence[1:].rstrip('.'))}"),
        *(".SH SYNOPSIS", ".B packmule", ".I COMMAND", "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]"),
        *(".SH DESCRIPTION", *_as_it_stands(rest)),
        ".SH COMMANDS",
    ]
    for name, text in _pages(main, "packmule", None):
        lines += [f".SS {_roff(name)}", *_as_it_stands(text)]
    lines.append(".SH ENVIRONMENT")
    for each in TABLE:
        what = _roff(f"{each.help}; default: {each.shown_default}")
        lines += [".TP", f".B {_roff(each.name)}", what]
    return "\n".join([*lines, ""])


def _as_it_stands(text: str) -> list[str]:
    return [".nf", *(_roff(line) for line in text.splitlines()), ".fi"]


def _roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def _pages(
    group: click.Group, path: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    context = _context(group, path.rpartition(" ")[2], parent)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = _context(command, name, context)
        yield f"{path} {name}", command.get_help(own).rstrip()
        if isinstance(command, click.Group):
            yield from _pages(command, f"{path} {name}", context)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=command.context_settings.get("help_option_names"),
    )
