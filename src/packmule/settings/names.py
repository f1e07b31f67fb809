"""Which variables of the environment are settings: told by their names.

Owns what is said of a name that is none. Leaves the table of those there are to `__init__.py`.
"""

from __future__ import annotations

import difflib
import re

PREFIX = "PACKMULE_"

# Read by `packmule.client` and the commands that ask a server; the service itself passes them over.
OF_THE_CLIENT = frozenset({"PACKMULE_SERVER", "PACKMULE_API_KEY"})

# Kubernetes sets these for a service that is called packmule; they are no settings of ours.
_SERVICE_LINK = re.compile(r"PACKMULE_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))")


def is_of_others(name: str, value: str) -> bool:
    """Tell what nobody meant for the service: the client's own, and what Kubernetes sets."""
    if name in OF_THE_CLIENT or _SERVICE_LINK.match(name):
        return True
    return name == f"{PREFIX}PORT" and value.startswith("tcp://")


def unknown(name: str, known: list[str]) -> str:
    """Say that there is no such setting, and which was perhaps meant."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "docs/settings.md lists those there are."
    return f"{name}: there is no such setting; {hint}"
