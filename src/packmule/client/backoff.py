"""How long troubles are borne, and the pause before each new try.

Owns the back-off: pauses grow, are drawn at random so that many clients do not come at once, and
are never shorter than the server asked for (RFC 9110 10.2.3, Retry-After). Pure: time and chance
are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0


class Patience:
    """Bears troubles in a row for `bears` seconds; `reset` when something has gone well.

    `now` gives seconds that only grow, `chance` a number from 0 to 1.
    """

    def __init__(
        self, bears: float, *, now: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self.bears = bears
        self._now = now
        self._chance = chance
        self._since: float | None = None
        self._tries = 0

    def reset(self) -> None:
        """Forget the troubles so far."""
        self._since = None
        self._tries = 0

    def pause(self, retry_after: float | None = None) -> float | None:
        """Give the seconds to wait before the next try; None where it is not worth it.

        The first trouble in a row begins the count: a try is made as long as it begins in time.
        """
        now = self._now()
        if self._since is None:
            self._since = now
        most = min(FIRST_PAUSE * 2.0 ** min(self._tries, 10), LONGEST_PAUSE)
        self._tries += 1
        seconds = most * (0.5 + self._chance() / 2)
        if retry_after is not None:
            # Not all at the very moment that was named.
            seconds += retry_after
        return seconds if now + seconds - self._since <= self.bears else None
