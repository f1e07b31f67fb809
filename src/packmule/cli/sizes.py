"""A number of bytes as an option's value: `1048576`, `2 GB`, `1GiB`, as in the settings."""

from __future__ import annotations

from typing import Any

import click


class Size(click.ParamType[int]):
    """A number of bytes, written as in the settings."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes."""
        from packmule.settings.forms import size  # noqa: PLC0415 - slow to import

        try:
            return value if isinstance(value, int) else size(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
