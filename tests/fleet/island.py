"""The place of one worker that can be cut off from everything, and joined again.

Owns how: a network namespace of its own, joined to ours by a pair of interfaces (veth(4)), whose
end here goes down. Then no packet passes and nobody is told, as with a cable that is pulled. Where
no namespace can be made, relays before database and bucket stand in for it, which reset what is cut
and leave the origin within reach.
"""

from __future__ import annotations

import os
import random
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fleet.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Shore:
    """What of us is seen from the island, and how a command is run there."""

    host: str
    """The address where servers listen that the island is to reach."""
    enter: tuple[str, ...]
    how: str
    _link: Sequence[str] = ()

    @property
    def is_namespace(self) -> bool:
        """Tell whether the island has a network of its own."""
        return bool(self._link)

    def set_link(self, way: str) -> None:
        """Set our end of the cable `up` or `down`."""
        subprocess.run(["ip", "link", "set", *self._link, way], check=True, capture_output=True)


@contextmanager
def shore() -> Iterator[Shore]:
    """Make a namespace and a cable to it, until the end of the context."""
    number = random.randrange(1, 255)
    name, here, there = f"packmule{number}", f"pm{number}a", f"pm{number}b"
    enter = ("ip", "netns", "exec", name)
    commands = [
        ["ip", "netns", "add", name],
        ["ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name],
        ["ip", "address", "add", f"10.214.{number}.1/24", "dev", here],
        ["ip", "link", "set", here, "up"],
        [*enter, "ip", "link", "set", "lo", "up"],
        [*enter, "ip", "address", "add", f"10.214.{number}.2/24", "dev", there],
        [*enter, "ip", "link", "set", there, "up"],
    ]
    made = os.geteuid() == 0
    try:
        if made:
            made = all(map(_succeeds, commands))
        if made:
            yield Shore(f"10.214.{number}.1", enter, "by its cable", (here,))
        else:
            yield Shore(LOOPBACK, (), "by relays")
    finally:
        _succeeds(["ip", "netns", "delete", name])
        _succeeds(["ip", "link", "delete", here])


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@dataclass(frozen=True)
class Island:
    """The worker's place: where it finds the database and the bucket, and the cutting off."""

    enter: tuple[str, ...]
    database_port: int
    bucket_port: int
    cut: Callable[[], None]
    mend: Callable[[], None]


@contextmanager
def island(of: Shore, database_port: int, bucket_port: int) -> Iterator[Island]:
    """Make relays to database and bucket that the island reaches, until the end of the context."""
    with ExitStack() as stack:
        relays = [
            stack.enter_context(Relay(of.host, port)) for port in (database_port, bucket_port)
        ]

        def cut() -> None:
            if of.is_namespace:
                of.set_link("down")
                return
            for relay in relays:
                relay.cut()

        def mend() -> None:
            if of.is_namespace:
                of.set_link("up")
                return
            for relay in relays:
                relay.mend()

        yield Island(of.enter, relays[0].port, relays[1].port, cut, mend)
