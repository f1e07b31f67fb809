"""Options of `pack` that are settings of the service as well, and so have a variable each.

Owns their form: checked like the setting, with its default and its variable in the help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from packmule.settings import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.settings import Setting

_BY_FIELD = {setting.field: setting for setting in TABLE}
Command = TypeVar("Command", bound="Callable[..., Any]")


class SettingValue(click.ParamType[str]):
    """A setting's value: text that its variable could have."""

    name = "value"

    def __init__(self, setting: Setting) -> None:
        self._parse = setting.parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is, once it is known to be valid."""
        try:
            self._parse(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        return str(value)


def setting_option(
    field: str, *flags: str, metavar: str, help_: str, default: str | None = None
) -> Callable[[Command], Command]:
    """Add an option for a setting; its value is the variable's text, or None."""
    setting = _BY_FIELD[field]
    shown = setting.shown_default if default is None else default
    return click.option(
        *flags,
        field,
        metavar=metavar,
        type=SettingValue(setting),
        help=f"{help_}  [default: {shown}]  [env var: {setting.name}]",
    )


def as_environment(given: dict[str, str | None]) -> dict[str, str]:
    """Return the options that were given, by field, as variables."""
    return {_BY_FIELD[field].name: value for field, value in given.items() if value}


allow_network = click.option(
    # The second name is that of earlier versions.
    "--allow-networks", "--allow-network", "networks", multiple=True, metavar="VALUE",
    help="Allow links to these networks although they are not public, like "
    "127.0.0.0/8,10.1.0.0/16.  [env var: PACKMULE_ALLOW_NETWORKS]",
)  # fmt: skip
