"""An archive's hash as an argument or option: the hash itself, or a link that ends in it."""

from __future__ import annotations

import re
from typing import Any

import click

_HASH = re.compile(r"[0-9a-f]{32}")


class ArchiveHash(click.ParamType[str]):
    """An archive's hash, or the URL of its status or download."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the hash."""
        last = str(value).rstrip("/").rpartition("/")[2].removesuffix(".zip")
        if not _HASH.fullmatch(last):
            self.fail(f"{value!r} is not an archive hash (32 digits, 0-9 and a-f).", param, ctx)
        return last


hash_argument = click.argument("archive_hash", metavar="HASH", type=ArchiveHash())
