"""Exponential backoff with jitter: the delay before each retry, and when to give up.

Delays double up to a maximum, are drawn at random so that many clients do not come at once, and
are never shorter than the server asked for (Retry-After, RFC 9110 10.2.3). Pure: the clock and the
random numbers are passed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_DELAY = 0.25
LONGEST_DELAY = 15.0


class Backoff:
    """The delays between retries, for `limit` seconds after the first of a row of failures.

    `now` returns seconds of a monotonic clock, `chance` a number from 0 to 1.
    """

    def __init__(
        self, limit: float, *, now: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self.limit = limit
        self._now = now
        self._chance = chance
        self._since: float | None = None
        self._tries = 0

    def __repr__(self) -> str:
        return f"<Backoff tries={self._tries} limit={self.limit:g} since={self._since}>"

    def reset(self) -> None:
        """Forget the failures so far, because something succeeded."""
        self._since = None
        self._tries = 0

    def next_delay(self, retry_after: float | None = None) -> float | None:
        """Return the seconds to wait before the next try, or None to give up.

        The first failure in a row starts the clock; a retry is worth it if it begins in time.
        """
        now = self._now()
        if self._since is None:
            self._since = now
        longest = min(FIRST_DELAY * 2.0 ** min(self._tries, 10), LONGEST_DELAY)
        self._tries += 1
        seconds = longest * (0.5 + self._chance() / 2)
        if retry_after is not None:
            # The jitter on top, or all clients would come at the very moment that was named.
            seconds += retry_after
        return seconds if now + seconds - self._since <= self.limit else None
