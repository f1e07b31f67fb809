"""The interface between fetching a body and whatever takes its bytes.

Owns the interface only. The transfer loop calls all methods in its own thread; they must return at
once, and must not call the loop back. `assembly` implements it, and tests have a fake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from packmule.errors import Failure
    from packmule.outbound.head import Head
    from packmule.outbound.urls import Url


class BodyRefused(Exception):
    """The receiver cannot or does not want to take this body; the source has failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class Receiver(Protocol):
    """Takes one source's body, over as many tries as it needs."""

    @property
    def kept(self) -> int:
        """How many bytes of the body are held: where a resume begins."""

    @property
    def has_ended(self) -> bool:
        """Whether the body's own checksum says that it is whole, as that of gzip does."""

    def tail(self, length: int) -> bytes | None:
        """Return up to so many of the last bytes kept; None if they cannot be read yet.

        The loop is woken once they can be. Fewer bytes, or none, if the rest cannot be had.
        """

    def accept(self, head: Head, start: int, total: int | None, url: Url) -> None:
        """Prepare for a body whose first byte belongs at `start`, which is 0 or what is kept.

        `total` is the length of the whole body in bytes, if the origin sent it; `url` is the one
        that answered, where redirects led. At 0, discard what
        was kept. Raises BodyRefused.
        """

    def write(self, view: memoryview) -> bool:
        """Take the next bytes and return False, or return True if there is no room for them now.

        They are passed again later. The view is valid during the call only. Raises BodyRefused.
        """

    def rest(self) -> None:
        """Release memory: the try has ended, and another follows, perhaps much later.

        May drop some or all of what is kept.
        """

    def postpone(self, cause: Failure, next_attempt_at: float) -> None:
        """Record why the try failed, and when the next one comes, in POSIX seconds."""

    def finish(self) -> None:
        """Complete the body: it is whole. Raises BodyRefused."""

    def fail(self, failure: Failure) -> None:
        """Record that the source has failed for good."""
