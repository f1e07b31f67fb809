"""The exchange of host claims with the other workers, about once a second.

Owns the thread and its rhythm, and what is done while the database is away: then each worker keeps
the limits by itself. Leaves the table to `worker/host_claims.py`, the arithmetic to
`outbound/host_sharing.py`, and keeping to what was agreed to the transfer loop.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from packmule.errors import PackmuleError
from packmule.outbound.host_sharing import FleetClaims, claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from packmule.outbound.host_sharing import HostClaim, HostUse

_log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two rounds."""
_SHOW_EVERY = 5.0
"""Seconds after which a worker shows that it is alive although its claims are the same."""


_ROUNDS_UNTIL_KNOWN = 2


class ClaimStore(Protocol):
    """Where the claims of all workers are. Each method may raise PackmuleError."""

    def read(self, me: str) -> FleetClaims:
        """Return what the other live workers claim."""

    def write(self, me: str, claims: Mapping[str, HostClaim]) -> None:
        """Replace a worker's claims, and record that it is alive."""

    def leave(self, me: str) -> None:
        """Remove a worker that ends."""


class SharesHosts(Protocol):
    """The transfers of this worker."""

    def host_uses(self) -> Mapping[str, HostUse]:
        """Return what the other workers must know, by host."""

    def share_hosts(self, fleet: FleetClaims, allowed: Mapping[str, int]) -> None:
        """Keep to what was agreed with the other workers."""


class HostExchange:
    """One worker's part in sharing hosts."""

    def __init__(
        self,
        transfers: SharesHosts,
        store: ClaimStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transfers = transfers
        self._store = store
        self._clock = clock
        self._me = secrets.token_hex(8)
        self._claims: dict[str, HostClaim] = {}
        self._show_at = 0.0
        self._rounds = 0
        self._is_alone = False

    def round(self) -> None:
        """Learn what the others claim, claim what this worker may, and keep to it.

        If the database cannot be asked, this worker goes on as if it were alone.
        """
        try:
            self._exchange()
            self._is_alone = False
        except Exception as error:  # noqa: BLE001 - or what was agreed last would hold forever
            if not self._is_alone:
                reason = error if isinstance(error, PackmuleError) else type(error).__name__
                _log.warning("host limits kept by this worker alone reason=%s", reason)
            self._is_alone = True
            self._claims = {}
            self._rounds = 0
            self._transfers.share_hosts(FleetClaims(self._me), {})

    def leave(self) -> None:
        """Release all claims."""
        try:
            self._store.leave(self._me)
        except PackmuleError as error:
            _log.warning("host claims not removed reason=%s", error)  # they run out

    def _exchange(self) -> None:
        if not self._rounds:
            # Before it reads: so of two workers that begin at once, one at least sees the other.
            self._store.write(self._me, {})
            self._show_at = self._clock() + _SHOW_EVERY
        self._rounds += 1
        uses = self._transfers.host_uses()
        fleet = self._store.read(self._me)
        fleet = replace(fleet, is_known=self._rounds > _ROUNDS_UNTIL_KNOWN)
        claims: dict[str, HostClaim] = {}
        allowed: dict[str, int] = {}
        for host, use in uses.items():
            before = self._claims.get(host)
            claims[host], allowed[host] = claim(
                use, fleet.share(host, use.limit), before.transfers if before else 0
            )
        now = self._clock()
        if self._are_news(claims) or now >= self._show_at:
            self._store.write(self._me, claims)
            self._show_at = now + _SHOW_EVERY
        self._claims = claims
        self._transfers.share_hosts(fleet, allowed)

    def _are_news(self, claims: Mapping[str, HostClaim]) -> bool:
        """Return whether the others must be told; a pause that passes as expected is no news."""
        if claims.keys() != self._claims.keys():
            return True
        return any(
            (each.transfers, each.is_wanted) != (before.transfers, before.is_wanted)
            or each.paused_for > before.paused_for
            for host, each in claims.items()
            for before in [self._claims[host]]
        )


@contextmanager
def sharing_hosts(transfers: SharesHosts, store: ClaimStore) -> Iterator[None]:
    """Share hosts with the other workers until the end of the context."""
    exchange = HostExchange(transfers, store)
    exchange.round()
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(EVERY):
            exchange.round()

    thread = threading.Thread(target=go_on, name="host-claims", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        exchange.leave()
