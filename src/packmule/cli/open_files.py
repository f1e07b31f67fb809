"""How many files and sockets this process may open: as many as the system lets it.

Owns the limit (getrlimit(2)), which every transfer needs one of.
"""

from __future__ import annotations

import resource

_MOST_ON_MACOS = 10_240  # OPEN_MAX; its hard limit is infinite, and setting that is an error


def raise_limit() -> None:
    """Raise the limit as far as this process may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (most, _MOST_ON_MACOS):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        except (OSError, ValueError):
            continue
        return
