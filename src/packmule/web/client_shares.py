"""The share of each client of what is open at once: long polls and event streams.

Owns the size of a share and the response beyond it. Without shares, one client could keep all
others from waiting. Leaves who a client is to `auth.py`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART = 4
_LEAST = 16


def share_of(total: int) -> int:
    """Return how many of `total` one client may have: a quarter, but no fewer than 16."""
    return max(total // _PART, _LEAST)


class ClientShares:
    """Counts what each client has open. `what` names it in the response, in the plural."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._open: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<ClientShares: {self._open.total()} {self._what} of {len(self._open)} clients>"

    def check(self, client: str, total: int) -> None:
        """Raise Problem 429 if the client has its share of `total` open already."""
        share = share_of(total)
        if self._open.get(client, 0) >= share:
            raise Problem(
                429,
                ProblemCode.CONCURRENCY_LIMITED,
                f"You have {share} {self._what} open, this server's limit for one client. "
                "Close one first.",
                headers={"Retry-After": "5"},
            )

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """Count one more until the context ends."""
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
