"""The option `--header HOST 'Name: value'`: a request header for one host.

Owns the option's form, and reading headers from a file, so that a secret need not be an argument.
Which headers may be set, and where they go, is in `outbound.origin_headers`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from packmule.outbound.origin_headers import by_origin, parse_field, parse_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packmule.outbound.origin_headers import OriginHeaders


def _lines(text: str) -> list[str]:
    if not text.startswith("@"):
        return [text]
    try:
        content = Path(text[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read {text[1:]}: {error.strerror or error}") from error
    return [line for line in content.splitlines() if line.strip()]


def _parsed(given: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str, int], bytes]]:
    for host, text in given:
        origin = parse_origin(host)
        for line in _lines(text):
            yield origin, parse_field(line)


def _read(
    ctx: click.Context, param: click.Parameter, given: tuple[tuple[str, str], ...]
) -> OriginHeaders:
    try:
        return by_origin(_parsed(given))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", ctx, param) from error


header_option = click.option(
    "--header", "headers", nargs=2, multiple=True, metavar="HOST HEADER", callback=_read,
    help="Send a header to one host only, like --header api.example.org 'Accept: image/png'. HOST "
    "means https; write http://localhost:9000 for another scheme or port. @FILE reads headers from "
    "a file, which hides a secret from other users.",
)  # fmt: skip
