"""What a sink is: it takes one body's bytes, over as many tries as that needs.

Owns the words that all sinks share: what they do, what becomes of a whole body, and the refusals
that several of them make. Each way to store a body is one file beside this one. A sink knows who
comes next only as a callable, `on_whole`, handed to it when it is made:

    receiving --write(view)--> sink --finish--> on_whole(InMemory | InPlace | InSpool)

To add a way: write its sink, name it in `placement.Storing`, make it in `sink_factory`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from packmule.errors import Failure, FailureCode
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.assembly.disk.disk_file import DiskFile

SMALL_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Deflated:
    """What became of a body: `size` bytes with that CRC-32, now `length` bytes of deflate."""

    length: int
    size: int
    crc: int


@dataclass(slots=True)
class InMemory:
    """A whole body in memory, deflated or as it is."""

    pieces: Sequence[bytes]
    deflated: Deflated | None = None


class InPlace(NamedTuple):
    """A whole body of `size` bytes in its place, but for what is on its way to the writer.

    The local header belongs at `offset`, the body at `begin`. `crc`: its CRC-32, for the writer in
    its turn.
    """

    offset: int
    begin: int
    size: int
    crc: Callable[[], int]


class InSpool(NamedTuple):
    """A whole body of `size` bytes in a spool, `length` bytes there, as `InPlace` is in its."""

    spool: DiskFile
    length: int
    size: int
    crc: Callable[[], int]
    is_deflated: bool


Whole = InMemory | InPlace | InSpool
OnWhole = Callable[[Whole], None]


class Sink(Protocol):
    """A body on its way: takes bytes, over as many tries as it needs, and is whole at last."""

    @property
    def kept(self) -> int:
        """Bytes held, as the origin counts them: where a resume begins (any thread)."""

    def write(self, view: memoryview) -> bool:
        """Take bytes and return False, or return True: no room now, they come again."""

    def tail(self, length: int) -> bytes | None:
        """Return up to so many of the last bytes kept, as the origin sent them.

        None if they cannot be read yet: the transfer loop is woken once they can be.
        """

    def rest(self) -> None:
        """Hold little memory between two tries; what is kept may become less."""

    def wake(self) -> None:
        """Go on where the last try ended."""

    def finish(self) -> None:
        """Hand the whole body on. Raises BodyRefused."""

    def discard(self) -> None:
        """Discard everything: nobody wants this body any more."""


def overflow(announced: int) -> BodyRefused:
    """Return the refusal of a body longer than announced."""
    detail = f"the origin sends more than the {announced} bytes it announced"
    return BodyRefused(Failure(FailureCode.BAD_RESPONSE, detail))


def too_large(limit: int) -> BodyRefused:
    """Return the refusal of a body that has grown beyond the limit of bytes a file may have."""
    detail = f"the file is larger than the limit of {limit:,} bytes"
    return BodyRefused(Failure(FailureCode.TOO_LARGE, detail))
