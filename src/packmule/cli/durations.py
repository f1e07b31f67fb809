"""A duration as an option's value: `90`, `30s`, `5 min`, `2h`, `7d`, as in the settings."""

from __future__ import annotations

from typing import Any

import click


class Duration(click.ParamType[float]):
    """A duration in seconds, written as in the settings."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        from packmule.settings.forms import duration  # noqa: PLC0415 - slow to import

        try:
            return value if isinstance(value, float) else duration(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
