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


class SegmentFilled(Exception):
    """The last byte that belongs to a segment is held: the rest of the response is another's."""


class SegmentReceiver(Protocol):
    """Takes the bytes of one segment of a body, from `start` to `stop`.

    `expected` is where the response ends that is being received, which may be behind `stop`.
    """

    start: int
    stop: int
    expected: int

    @property
    def kept(self) -> int:
        """Where the next byte belongs in the body: those before it, from `start` on, are held."""

    @property
    def is_full(self) -> bool:
        """Whether all its bytes are held."""

    def expect(self, end: int) -> None:
        """Record where the response ends that is about to come."""

    def tail(self, length: int) -> bytes | None:
        """Return up to so many of the last bytes kept, as a `Receiver` does."""

    def write(self, view: memoryview) -> bool:
        """Take the next bytes, as a `Receiver` does. Raises SegmentFilled too."""

    def rest(self) -> None:
        """Release memory: the transfer has ended."""


class SegmentedBody(Protocol):
    """A body of known length that several transfers may bring, each a segment of it."""

    @property
    def segments(self) -> tuple[SegmentReceiver, ...]:
        """All segments, in order; they cover the body without a gap."""

    def split(self, at: int) -> SegmentReceiver:
        """End the segment that byte `at` belongs to there; return one for what lies behind.

        What is held must end before that byte.
        """

    def join(self, start: int) -> None:
        """Return the segment that begins there, which is empty, to the one before it."""

    def keep_first(self) -> None:
        """Drop what is held beyond the first segment, which takes the rest in order."""


class Receiver(Protocol):
    """Takes one source's body, over as many tries as it needs."""

    @property
    def kept(self) -> int:
        """How many bytes of the body are held: where a resume begins.

        Where several transfers bring it: where the next byte belongs of this one.
        """

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

    @property
    def segmented(self) -> SegmentedBody | None:
        """The body where its bytes may come in any order; None where they must come in order."""

    def go_on(self, start: int) -> None:
        """Make ready for more bytes of the segment that begins there; `write` takes them."""

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
