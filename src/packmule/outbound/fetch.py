"""One source on its way through the transfer loop.

Owns what the loop remembers about a source between tries: which URL to request now, the state of
its transfer, and its receiver. Leaves every decision to `transfer.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.outbound.transfer import START

if TYPE_CHECKING:
    from packmule.outbound.host_health import HostHealth
    from packmule.outbound.lane import Lane
    from packmule.outbound.receiver import Receiver
    from packmule.outbound.transfer import TransferState
    from packmule.outbound.urls import Url


class Fetch:
    """A source to fetch: `url` as the caller gave it, `asked` where redirects have led.

    While a transfer is open, `host` is the health of the host it asks, `rank` how many to that host
    were open once it had begun, and `slow` whether it hardly moves. `spent` is how many retries it
    has cost its host, `began` when its last try began, and `deadline` when it must be complete, on
    the loop's clock. `cookies` are those that its responses have set (`cookies.py`).
    `ignores_length`: its Content-Length is no number, so the end of the connection is the body's.
    `lane` is the segment that its try brings where several transfers bring the file.
    """

    __slots__ = (
        "asked", "began", "cookies", "deadline", "host", "host_key", "ignores_length", "lane",
        "rank", "receiver", "slow", "spent", "state", "url",
    )  # fmt: skip

    def __init__(self, url: Url, receiver: Receiver, state: TransferState = START) -> None:
        self.url = url
        self.receiver = receiver
        self.state = state
        self.spent = 0
        self.rank = 1
        self.slow = False
        self.ignores_length = False
        self.began = 0.0
        self.deadline: float | None = None
        self.cookies: tuple[bytes, ...] = ()
        self.host: HostHealth | None = None
        self.lane: Lane | None = None
        self.ask(url)

    @property
    def kept(self) -> int:
        """Where the next byte belongs of this transfer (any thread)."""
        lane = self.lane
        return self.receiver.kept if lane is None else lane.segment.kept

    def ask(self, url: Url) -> None:
        """Request this URL from now on."""
        self.asked = url
        self.host_key = url.origin
