"""A curl command for each request of the API reference.

Owns how a request is written as a command that can be pasted once `PACKMULE_SERVER`, `HASH` and, on
a service with keys, `PACKMULE_API_KEY` are set. Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY: Final = '-H "Authorization: Bearer $PACKMULE_API_KEY"'

_BODIES: Final[Mapping[str, Any]] = {
    "/api/archive/create": {"urls": ["https://example.org/a.jpg", "https://example.org/b.jpg"]},
    "/api/archive/retry/{archive_hash}": {"positions": [1]},
}

_OPTIONS: Final[Mapping[str, str]] = {
    "text/event-stream": "--no-buffer",
    "application/zip": "--remote-name --remote-header-name",
    "application/octet-stream": "--remote-name --remote-header-name",
}
"""What a command needs for an answer of a type."""


def curl(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """Return the command for an operation of the OpenAPI description."""
    body = _BODIES.get(path)
    parts = ["curl"]
    if method != ("GET" if body is None else "POST"):
        parts.append(f"--request {method}")
    answer = operation["responses"].get("200", {}).get("content", {})
    parts += [option for media_type, option in _OPTIONS.items() if media_type in answer]
    if operation.get("security"):
        parts.append(_KEY)
    if body is not None:
        parts.append(f"--json '{json.dumps(body)}'")
    place = path.replace("{archive_hash}", "$HASH").replace("{position}", "0")
    place = place.replace("{number}", "1")
    return " ".join([*parts, f'"$PACKMULE_SERVER{place}"'])
