"""One row of the table of settings, and the names that follow from it: the variable's, the flag's.

Owns nothing else; the table is in `__init__.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packmule.settings.names import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text of the same form as the variable's value."""

    field: str
    default: str
    parse: Callable[[str], Any]
    help: str
    shown_default: str
    secret: bool

    @property
    def name(self) -> str:
        """The variable's name."""
        return f"{PREFIX}{self.field.upper()}"

    @property
    def flag(self) -> str | None:
        """The flag of `serve`; None for a secret, which other users of a machine could see."""
        return None if self.secret else f"--{self.field.replace('_', '-')}"
