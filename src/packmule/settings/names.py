"""Which variables of the environment are settings: told by their names.

Owns what is said of a name that is none. Leaves the table of those there are to `__init__.py`.
"""

from __future__ import annotations

import difflib
import re

PREFIX = "PACKMULE_"

# Kubernetes sets these for a service that is called packmule; they are no settings of ours.
_SERVICE_LINK = re.compile(r"PACKMULE_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))")


def is_service_link(name: str, value: str) -> bool:
    """Tell whether Kubernetes has set this one, and nobody meant it for us."""
    return bool(_SERVICE_LINK.match(name)) or (
        name == f"{PREFIX}PORT" and value.startswith("tcp://")
    )


def unknown(name: str, known: list[str]) -> str:
    """Say that there is no such setting, and which was perhaps meant."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "docs/settings.md lists those there are."
    return f"{name}: there is no such setting; {hint}"
