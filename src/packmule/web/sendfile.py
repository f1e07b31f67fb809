"""Sendfile: the proxy in front of the API sends archives by itself.

Owns both variants (nginx's `X-Accel-Redirect`, Apache's `X-Sendfile`), how the setting writes them,
and the response header. The proxy evaluates conditions and ranges: it may use an entity tag of its
own, so ours must not decide what the client's tags mean.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NONE = "none"
_SENDFILE = "x-sendfile"
_ACCEL = "x-accel-redirect:"
# A path that means the same to whoever decodes, joins or matches it.
_LOCATION = re.compile(r"(/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)+/")


@dataclass(frozen=True, slots=True)
class Sendfile:
    """The variant; `location` is nginx's internal location of the archives, None for X-Sendfile."""

    location: str | None

    def ask(self, path: Path) -> Mapping[str, str]:
        """Return the header that requests an archive, `archives/ab/<hash>.zip`."""
        if self.location is None:
            # Apache's mod_xsendfile and lighttpd decode it; a field holds no other characters.
            return {"X-Sendfile": quote(os.fsencode(path))}
        # Of digits and letters only: nothing is to be escaped.
        return {"X-Accel-Redirect": f"{self.location}{path.parent.name}/{path.name}"}


def parse_sendfile(text: str) -> Sendfile | None:
    """Parse `none`, `x-sendfile` or `x-accel-redirect:/place/`. Raises ValueError."""
    way = text.lower()
    if way == _NONE:
        return None
    if way == _SENDFILE:
        return Sendfile(None)
    if way.startswith(_ACCEL) and _LOCATION.fullmatch(text[len(_ACCEL) :]):
        return Sendfile(text[len(_ACCEL) :])
    raise ValueError(
        f"{text!r} is none of none, x-sendfile, x-accel-redirect:/place/ (nginx's internal "
        "location, from / to /)"
    )
