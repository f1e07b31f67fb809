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


TIMED_BYTES = 50_000_000_000
"""What may take a file's whole time; what is larger gets the same again for each so many bytes."""


class Fetch:
    """A source to fetch: `url` as the caller gave it, `asked` where redirects have led.

    While a transfer is open, `host` is the health of the host it asks, `rank` how many to that host
    were open once it had begun, and `slow` whether it hardly moves. `spent` is how many retries it
    has cost its host, `began` when its last try began, and `deadline` when it must be complete, on
    the loop's clock; a large one has longer (`is_late`). `cookies` are those that its responses
    have set (`cookies.py`).
    `ignores_length`: its Content-Length is no number, so the end of the connection is the body's.
    `is_repeated`: its request stayed silent and was sent again.
    `lane` is the segment that its try brings where several transfers bring the file.
    """

    __slots__ = (
        "asked", "began", "cookies", "deadline", "host", "host_key", "ignores_length",
        "is_repeated", "lane", "rank", "receiver", "slow", "spent", "state", "url",
    )  # fmt: skip

    def __init__(self, url: Url, receiver: Receiver, state: TransferState = START) -> None:
        self.url = url
        self.receiver = receiver
        self.state = state
        self.spent = 0
        self.rank = 1
        self.slow = False
        self.ignores_length = False
        self.is_repeated = False
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

    def is_late(self, at: float, seconds: float) -> bool:
        """Return whether its time is over at that moment; `seconds` is that of `TIMED_BYTES`.

        What counts is what has come, not what was announced: nobody gains time by a promise.
        """
        return self.deadline is not None and (
            at >= self.deadline and at >= self.deadline + self.time_for(seconds) - seconds
        )

    def time_for(self, seconds: float) -> float:
        """Return how many seconds it may take from its first try, as far as it has come."""
        return seconds * (1 + self.receiver.kept // TIMED_BYTES)

    def ask(self, url: Url) -> None:
        """Request this URL from now on."""
        self.asked = url
        self.host_key = url.origin
