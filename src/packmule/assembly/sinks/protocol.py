"""What a sink is: it takes one body's bytes, over as many tries as that needs.

Owns the words that all sinks share, and the refusals that several of them make. Every way to store
a body is one file beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from packmule.errors import Failure, FailureCode
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from packmule.assembly.committing import Ending

SMALL_BYTES = 256 * 1024


class Mark(NamedTuple):
    """Which version of which open entry fills which place."""

    position: int
    offset: int
    version: int


@dataclass(frozen=True, slots=True)
class Deflated:
    """What became of a body: `size` bytes with that CRC-32, now `length` bytes of deflate."""

    length: int
    size: int
    crc: int


class Sink(Protocol):
    """A body on its way: takes bytes, over as many tries as it needs, and is whole at last."""

    @property
    def kept(self) -> int:
        """Bytes held, as the origin counts them: where a resume begins."""

    def write(self, view: memoryview) -> bool:
        """Take bytes and answer False, or answer True: no room now, they come again."""

    def rest(self) -> None:
        """Between two tries: hold little memory; what is kept may become less."""

    def wake(self) -> None:
        """Another try begins, where the last one ended."""

    def finish(self, ending: Ending) -> None:
        """Hand the whole body on. Raises BodyRefused."""

    def discard(self) -> None:
        """Let everything go: nobody wants this body any more."""


def overflow(announced: int) -> BodyRefused:
    """Refuse a body longer than announced."""
    detail = f"the origin sends more than the {announced} bytes it announced"
    return BodyRefused(Failure(FailureCode.BAD_RESPONSE, detail))


def too_large(limit: int) -> BodyRefused:
    """Refuse a body that has grown beyond the limit of bytes a file may have."""
    detail = f"the file is larger than the limit of {limit:,} bytes"
    return BodyRefused(Failure(FailureCode.TOO_LARGE, detail))
