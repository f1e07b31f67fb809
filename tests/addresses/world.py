"""Where the cases are run: in a network of our own, or, where none can be made, on loopback.

Owns what differs between the two: which address stands for which, on what ports, by what rules. In
the network of our own nothing differs from the world outside: the addresses are the real ones and
the rules the strict ones. On loopback 127.77.0.0/16, which alone is allowed, stands for what is
public, and the addresses that must not be reached stay what they are.
"""

from __future__ import annotations

import re
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from tests.addresses import everywhere, island
from tests.addresses.everywhere import Everywhere
from tests.cases import ssrf

from packmule.assembly.pack import pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.jobs.model import OnError, Source
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.resolver import Resolver
from packmule.outbound.transfer import Limits
from packmule.outbound.urls import UrlInvalid, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from packmule.errors import Failure

SITE = "93.184.216.34"
"""Where names lead of which the table says nothing: a public site."""

_PUBLIC = (SITE, "5.6.7.8", "9.10.11.12", "2606:4700::1111")  # in answers that mix
_STAND_INS = dict(zip(_PUBLIC, (f"127.77.0.{n}" for n in range(1, 9)), strict=False))
_STAND_INS_NETWORK = "127.77.0.0/16"
_NO_PORT = re.compile(r"(?<!\S)(https?)(://(?:\[[^\]/]*\]|[^/?#:@\\\[]+))(?=[/?#]|$)")
_PATIENCE = 50.0

LIMITS = Limits(attempts=3, first_delay=0.01, longest_delay=0.02, first_pause=0.05)


@dataclass(frozen=True)
class Outcome:
    """What came of one run, by position: the bytes of files, the failures of others."""

    entries: dict[int, bytes]
    failures: dict[int, Failure]


@dataclass
class World:
    """A machine with a site on it, and a client that is to reach the site and nothing else."""

    origin: Everywhere
    folder: Path
    authority: Path
    rules: AddressRules
    tap: island.Tap | None
    reached: set[tuple[str, int]] = field(default_factory=set)
    _runs: int = 0

    def at(self, address: str) -> str:
        """Give the address that stands here for one of the table."""
        return address if self.tap is not None else _STAND_INS.get(address, address)

    def link(self, text: str) -> str:
        """Give a link with the ports of this world, where it names none."""
        ports = {"http": self.origin.port, "https": self.origin.tls_port}
        if self.tap is not None:
            return text
        return _NO_PORT.sub(lambda found: f"{found[0]}:{ports[found[1]]}", text)

    def connections(self) -> set[tuple[str, int]]:
        """Give all that was connected to so far, in every run, accepted or not."""
        return self.reached | set(self.origin.connected) | (self.tap.seen if self.tap else set())

    def begin(self, script: Callable[[everywhere.Asked], everywhere.Answer]) -> None:
        """Have the origin answer by a script from now on."""
        self.reached |= set(self.origin.connected)
        self.origin.forget(script)

    def fetch(
        self,
        links: Sequence[str],
        look_up: Callable[[str, int], list[str]],
        *,
        rules: AddressRules | None = None,
    ) -> Outcome:
        """Pack links as the program does, one after the other where the order tells."""
        self._runs += 1
        out = self.folder / f"{self._runs}.zip"
        sources = [Source(at, link, str(at)) for at, link in enumerate(links)]
        loop = LoopSettings(
            transfers=16, connect_timeout=5.0, ca_file=str(self.authority), limits=LIMITS
        )
        resolver = Resolver(look_up=look_up, ttl=0.0, failure_ttl=0.0)
        stop = threading.Event()
        timer = threading.Timer(_PATIENCE, stop.set)
        timer.start()
        try:
            with SharedResources(
                rules or self.rules, loop, AssemblyLimits(min_free_bytes=0), resolver=resolver
            ) as resources:
                packed = pack(sources, out, resources, stop, on_error=OnError.SKIP, interval=0.02)
        finally:
            timer.cancel()
        assert not packed.stopped, "it hung"
        entries: dict[int, bytes] = {}
        if packed.size is not None:
            with ZipFile(out) as opened:
                names = [name for name in opened.namelist() if name.isdigit()]  # no report
                entries = {int(name): opened.read(name) for name in names}
        return Outcome(entries, {one.position: one.failure for one in packed.failed})


def _secure_hosts() -> set[str]:
    """List the hosts that are to be reached over TLS."""
    hosts = {"example.com", "example.net", "dummy.local", *_STAND_INS.values()}
    for case in ssrf.ALL:
        if case.kind == "url" and case.allowed:
            try:
                hosts.add(parse(case.url).host)
            except UrlInvalid:
                continue  # the suite itself tells so
    return hosts


@contextmanager
def opened(*, on_loopback: bool) -> Iterator[World]:
    """Make a world; the network of our own must have been entered."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        whole = everywhere.certificate(folder, _secure_hosts())
        origin = Everywhere(tls=everywhere.served_by(whole))
        rules = AddressRules(own_hosts=frozenset({ssrf.OWN_HOST}))
        tap = None
        if on_loopback:
            rules = replace(rules, allow_networks=parse_networks(_STAND_INS_NETWORK))
        else:
            origin.port, origin.tls_port = 80, 443
            tap = stack.enter_context(island.Tap())
        stack.enter_context(origin)
        yield World(origin, folder, whole, rules, tap)
