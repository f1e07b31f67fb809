"""An archive's hash as an argument or option: the hash itself, or a link that ends in it."""

from __future__ import annotations

import re
from typing import Any

import click


class ArchiveHash(click.ParamType[str]):
    """An archive's hash, or the URL of its status or download."""

    name = "hash"
    form = re.compile(r"[0-9a-f]{32}")
    digits = "32 digits"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the hash."""
        last = str(value).rstrip("/").rpartition("/")[2].removesuffix(".zip")
        if not self.form.fullmatch(last):
            self.fail(f"{value!r} is not an archive hash ({self.digits}, 0-9 and a-f).", param, ctx)
        return last


class HashBeginning(ArchiveHash):
    """The same, or the beginning of a hash, as it is in the log."""

    form = re.compile(r"[0-9a-f]{8,32}")
    digits = "32 digits, or at least the first 8"


hash_argument = click.argument("archive_hash", metavar="HASH", type=ArchiveHash())
