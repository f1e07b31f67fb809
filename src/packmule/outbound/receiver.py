"""The seam between fetching and what becomes of the bytes: who receives a body, and how.

Owns the words only. All methods are called in the transfer loop's thread and must return at once;
none may call the loop back. `assembly` implements it, tests have a fake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from packmule.errors import Failure
    from packmule.outbound.head import Head


class BodyRefused(Exception):
    """The receiver cannot or will not take this body; the source has failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class Receiver(Protocol):
    """Takes one source's body, over as many tries as it needs."""

    @property
    def kept(self) -> int:
        """How many bytes of the body are held: where a resume begins."""

    def accept(self, head: Head, start: int, total: int | None) -> None:
        """Make ready for a body whose first byte belongs at `start`, 0 or what is kept.

        `total` is the whole body's length in bytes where the origin told it. At 0, all that was
        kept is let go. Raises BodyRefused.
        """

    def write(self, view: memoryview) -> bool:
        """Take the next bytes and answer False, or answer True: no room now, they come again.

        The view dies with the call. Raises BodyRefused.
        """

    def rest(self) -> None:
        """Hold little memory: the try has ended, another will follow, perhaps much later.

        What is kept may become less.
        """

    def finish(self) -> None:
        """Take the body as whole. Raises BodyRefused."""

    def fail(self, failure: Failure) -> None:
        """Take note that the source has failed for good."""
