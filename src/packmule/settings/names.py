"""Names of environment variables: which are settings, and what to say of an unknown one."""

from __future__ import annotations

import difflib
import re

PREFIX = "PACKMULE_"

# Read by `packmule.client` and the commands that use a server; the service ignores them.
OF_THE_CLIENT = frozenset({"PACKMULE_SERVER", "PACKMULE_API_KEY"})

# Kubernetes sets these for a service called packmule; they are not settings.
_SERVICE_LINK = re.compile(r"PACKMULE_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))")


def is_of_others(name: str, value: str) -> bool:
    """Return whether a variable is not meant for the service: the client's, or Kubernetes's."""
    if name in OF_THE_CLIENT or _SERVICE_LINK.match(name):
        return True
    return name == f"{PREFIX}PORT" and value.startswith("tcp://")


def unknown(name: str, known: list[str]) -> str:
    """Return the error for an unknown setting, with the name that was probably meant."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`packmule settings` lists them all."
    return f"{name}: unknown setting; {hint}"
