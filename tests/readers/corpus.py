"""The archives that every reader must read: what the program packs, and what is laid out.

Owns the list of cases, and which of them are so large that only the full run has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.readers import laid, packed_files
from tests.readers.control import write_control
from tests.readers.packed import pack

from packmule.zipformat.records import DEFLATED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.readers.bodies import Content, Truth
    from tests.readers.origin import File

MANY = 70_000
LARGE = 4_400_000_000


@dataclass(frozen=True)
class Case:
    """A case of the corpus. `stress`: many, or large; a reader may have its own limit there.

    `brief`: also in the short run.
    """

    name: str
    make: Callable[[Path], Truth]
    brief: bool = False
    stress: bool = False
    deflated: bool = False

    def sample(self, folder: Path) -> Sample:
        """Make the archive, and the control: the same by Python's zipfile."""
        sample = Sample(folder / "ours.zip", folder / "control.zip", {})
        truth = self.make(sample.archive)
        write_control(truth, sample.control, deflated=self.deflated)
        sample.wanted.update((name, body.content) for name, body in truth.items())
        return sample


@dataclass(frozen=True)
class Sample:
    """An archive, another with the same content by another's hand, and what must be found."""

    archive: Path
    control: Path
    wanted: dict[str, Content]


def _packed(files: list[File]) -> Callable[[Path], Truth]:
    return lambda archive: pack(files, archive)


CASES = [
    Case("everyday files", _packed(packed_files.EVERYDAY), brief=True),
    Case("names in many scripts", _packed(packed_files.NAMES), brief=True),
    Case("clashing names, NFD twins", _packed(packed_files.CLASHES)),
    Case("hostile names", _packed(packed_files.HOSTILE), brief=True),
    Case("long names", _packed(packed_files.LONG_NAMES)),
    Case("dates before 1980 and far off", _packed(packed_files.DATES)),
    Case("unknown lengths", _packed(packed_files.UNKNOWN_LENGTH)),
    Case("arrived in another order", _packed(packed_files.ARRIVAL_ORDER)),
    Case("a hole closed, a file missing", _packed(packed_files.HOLE_CLOSED), brief=True),
    Case("archives within", _packed(packed_files.NESTED), brief=True),
    Case("one file", _packed(packed_files.ONE_FILE)),
    Case("one empty file", _packed(packed_files.EMPTY_FILE)),
    Case("deflated", laid.deflated_entries),
    Case("room kept for zip64", laid.kept_room),
    Case("room kept, deflated", laid.kept_room_deflated, brief=True),
    Case("directory in another order", laid.directory_order),
    Case("70,000 entries", partial(laid.many, MANY), stress=True),
    Case("a file over 4 GiB", partial(laid.large, LARGE), stress=True),
    Case(
        "a file over 4 GiB, deflated", partial(laid.large, LARGE, method=DEFLATED), stress=True,
        deflated=True,
    ),
]  # fmt: skip
