"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime

# An ordinary instant with microseconds, so that rounding shows.
START = datetime(2026, 3, 1, 12, 30, 15, 123457, tzinfo=UTC)


class FakeClock:
    """Gives seconds since the epoch, like `time.time`; moves only by `advance`."""

    def __init__(self, start: datetime = START) -> None:
        self._seconds = start.timestamp()

    def __call__(self) -> float:
        return self._seconds

    @property
    def now(self) -> datetime:
        """The same instant, aware."""
        return datetime.fromtimestamp(self._seconds, UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds
