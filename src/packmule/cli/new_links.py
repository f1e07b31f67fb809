"""New links for files of a job on the command line: `3=https://example.org/c.png`.

Owns the form of an option's value and of a list's lines. Whether a link is allowed is the server's
to say. An error never repeats a link, which may hold a secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from packmule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORM = re.compile(r"\s*([0-9]{1,9})\s*(?:=|\s)\s*(\S+)\s*")
_EXAMPLE = "Write it like 3=https://example.org/c.png."


class NewLink(click.ParamType[tuple[int, str]]):
    """A file's position and its new link."""

    name = "link"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, str]:
        """Read the value of an option."""
        found = _parsed(value)
        if found is None:
            self.fail(f"This is not a position and a link. {_EXAMPLE}", param, ctx)
        return found


def read_new_links(lines: Iterable[str]) -> dict[int, str]:
    """Read a list; empty lines and those starting with # are ignored. Raises UsageError."""
    found: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        link = _parsed(line)
        if link is None:
            raise UsageError(f"Line {number} is not a position and a link. {_EXAMPLE}")
        found[link[0]] = link[1]
    return found


def _parsed(text: str) -> tuple[int, str] | None:
    found = _FORM.fullmatch(text)
    return None if found is None else (int(found[1]), found[2])
