"""A fetch: one source on its way through the transfer loop.

Owns what the loop must remember of a source between tries: where to ask now, the pure state, the
receiver. Leaves every decision to `transfer.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.outbound.transfer import START

if TYPE_CHECKING:
    from packmule.outbound.host_health import HostHealth
    from packmule.outbound.receiver import Receiver
    from packmule.outbound.transfer import TransferState
    from packmule.outbound.urls import Url


class Fetch:
    """A source to fetch: `url` as the caller gave it, `asked` where redirects have led.

    `host` is the standing of the host asked now, while a transfer is open to it, and `slow` whether
    that one moves hardly at all; `spent` how many retries it has cost its host; `began` when its
    last try was begun and `deadline` when it must be whole, on the loop's clock.
    """

    __slots__ = (
        "asked", "began", "deadline", "host", "host_key", "receiver", "slow", "spent", "state",
        "url",
    )  # fmt: skip

    def __init__(self, url: Url, receiver: Receiver, state: TransferState = START) -> None:
        self.url = url
        self.receiver = receiver
        self.state = state
        self.spent = 0
        self.slow = False
        self.began = 0.0
        self.deadline: float | None = None
        self.host: HostHealth | None = None
        self.ask(url)

    def ask(self, url: Url) -> None:
        """Ask there from now on."""
        self.asked = url
        self.host_key = url.origin
