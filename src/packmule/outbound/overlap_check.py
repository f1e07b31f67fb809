"""Compare the first bytes of a response with those that are held already, then pass the rest on.

Owns the comparison and the count of what is skipped. Leaves which bytes come again to
`transfer.py`, and reading what is held to the receiver. Runs in the transfer loop's thread.

    held     |=============================|
    came               |===================|-------------->  written
                       |skipped|-compared--|
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class OverlapDiffersError(Exception):
    """The bytes that came again are not those that are held."""


class OverlapCheck:
    """Passes over the first `repeated` bytes, of which the last must be those that are held.

    `read_tail` returns up to so many of the last bytes held, or None if they cannot be read yet;
    `write` takes what follows. At least `least` bytes must agree, of `most` that are compared.
    """

    def __init__(
        self,
        repeated: int,
        read_tail: Callable[[int], bytes | None],
        write: Callable[[memoryview], bool],
        *,
        least: int,
        most: int,
    ) -> None:
        self._left = repeated
        self._read_tail = read_tail
        self._write = write
        self._least = min(least, repeated)
        self._most = min(most, repeated)
        self._held: bytes | None = None
        self._again = 0
        self.seen = 0

    def write(self, view: memoryview) -> bool:
        """Take bytes and return False, or return True: no room now, they come again.

        Raises OverlapDiffersError.
        """
        if self._left:
            if self._held is None and not self._read_held():
                return True
            self._again = min(self._left, len(view))
            self._compare(view[: self._again])
        if self._again < len(view) and self._write(view[self._again :]):
            return True
        self._again = 0
        return False

    def _read_held(self) -> bool:
        held = self._read_tail(self._most)
        if held is None:
            return False
        if len(held) < self._least:
            raise OverlapDiffersError
        self._held = held
        return True

    def _compare(self, view: memoryview) -> None:
        held = self._held
        assert held is not None  # noqa: S101 - read before
        skipped = max(0, min(len(view), self._left - len(held)))
        self._left -= skipped
        came = view[skipped:]
        at = len(held) - self._left
        if came != held[at : at + len(came)]:
            raise OverlapDiffersError
        self._left -= len(came)
        self.seen += len(view)
