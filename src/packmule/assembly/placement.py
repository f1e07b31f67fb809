"""Where a body goes, decided when its head is there.

Owns the decision, pure: from what all bodies of a job have in common, and one response head. Leaves
making the sink to `sink_factory`, taking the bytes to the sinks.

    Content-Encoding? -> its first bytes tell -+-> decoded -+
                                               |            |
    may deflate gain? -> trial ----------------+------------+--> deflated
                                               +--> small: memory; longer: its place
                                                            +--> length unknown: a spool
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from packmule.assembly.compression import may_gain
from packmule.assembly.content_coding import may_be_coded
from packmule.assembly.sinks.protocol import SMALL_BYTES

if TYPE_CHECKING:
    from packmule.assembly.resources import AssemblyLimits
    from packmule.jobs.model import Compression, OnHtml
    from packmule.outbound.head import Head


@dataclass(frozen=True, slots=True)
class JobContext:
    """What all bodies of one job have in common.

    `folder` is what the names of all files begin with. `keeps_receipts`: a manifest will tell of
    them. `is_uploaded`: the archive's bytes leave the scratch while it is assembled.
    `keeps_failed`: what came of a file that failed stays in its place, for a retry.
    """

    compression: Compression
    on_html: OnHtml
    limits: AssemblyLimits
    folder: str = ""
    keeps_receipts: bool = False
    is_uploaded: bool = False
    keeps_failed: bool = False


class Storing(Enum):
    """The ways to keep a body as it is."""

    MEMORY = "memory"
    PLACE = "place"
    SPOOL = "spool"


class Placement(NamedTuple):
    """Where a body goes.

    `storing`: how it is kept as it is. `is_tried`: whether deflate gains is to be tried first.
    `codings`: what the body may be compressed with, which its first bytes tell; where it is, its
    length is unknown, whatever was announced.
    """

    storing: Storing
    is_tried: bool
    codings: tuple[str, ...]


def decide(context: JobContext, head: Head, name: str, total: int | None) -> Placement:
    """Decide for the body behind a head, of an entry of that name. Raises BodyRefused.

    `total` is the length that the origin announced.
    """
    codings = head.content_codings
    if codings and not may_be_coded(codings):
        codings = ()
    is_tried = may_gain(context.compression, head.content_type, name)
    storing = _SPOOL if total is None else _MEMORY if total <= SMALL_BYTES else _PLACE
    return _placement(storing, is_tried, codings)


# One is made for every file, and there are few that differ.
_placement = lru_cache(maxsize=64)(Placement)
_MEMORY, _PLACE, _SPOOL = Storing.MEMORY, Storing.PLACE, Storing.SPOOL
