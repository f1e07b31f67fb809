"""The table's cases by name, and the objects they serve.

Owns the register that the scripts enter themselves in. Leaves what goes wrong to `healing`, faults
that a client can mend by asking again, and to `lasting`, those that it cannot, or must not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.objects import Version, version

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.origin import Exchange

_DATED = {
    "A": "Sun, 01 Mar 2026 10:00:00 GMT",
    "B": "Mon, 02 Mar 2026 09:00:00 GMT",
}


@dataclass(frozen=True)
class Objects:
    """The object in its versions; connections that are cut end at `cut` bytes."""

    a: Version
    b: Version
    smaller: Version
    empty: Version
    cut: int


SCRIPTS: dict[str, Callable[[Exchange, Objects], None]] = {}
REFUSED = {"rst_on_accept": 2}
"""Connections that are reset before anything is read."""
SLOW = frozenset({"stall_first", "stall_always", "drip", "slow_headers"})
"""Those that only patience can tell from an origin that is well."""


def objects(size: int, *, dated: bool = False) -> Objects:
    """Make the versions, `size` bytes long; with Last-Modified as the only validator if `dated`."""

    def of(name: str, length: int) -> Version:
        when = _DATED[name[0]] if dated else None
        return version(name, length, last_modified=when, **({"etag": None} if dated else {}))

    cut = size // 3
    return Objects(of("A", size), of("B", size), of("B-smaller", cut // 2), of("A-empty", 0), cut)


def case(script: Callable[[Exchange, Objects], None]) -> Callable[[Exchange, Objects], None]:
    """Enter a function in the table."""
    SCRIPTS[script.__name__] = script
    return script
