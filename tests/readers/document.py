"""The matrix as a page for people.

Owns its words and the figures' meaning: a cell is right, a limit of the reader's own, or wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.readers.corpus import Case
    from tests.readers.table import Reader

_HEAD = """\
# Which readers open the archives

Written by `make readers`, which has every reader read every archive of a corpus and compares the
names and bytes it finds with what was put in. Most archives are packed by the program itself; the
large ones are laid out by its ZIP layer. Why these readers and these cases is in
[decision 8](decisions/0008-readers.md).

"""
_LIMITS = """\
## Limits of readers

These are the reader's own: it fails in the same place on an archive with the same content that
Python's `zipfile` has written.

"""


# Of a stack of calls and what a runtime adds to it, the line that names the error.
_TELLING = re.compile(r"[Ee]rror\b|ERR_|failed|missing|short|signature|not done|bytes|nobody's")


@dataclass
class Matrix:
    """What came of each reader (first) and case; `absent` readers are not installed."""

    readers: Sequence[Reader]
    cases: Sequence[Case]
    absent: Mapping[str, str]
    cells: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def limits(self) -> dict[tuple[str, str], str]:
        """What a reader cannot read of anybody."""
        return {at: said for at, said in self.cells.items() if said.startswith("limit: ")}

    @property
    def wrong(self) -> dict[tuple[str, str], str]:
        """What should be right and is not."""
        return {
            at: said for at, said in self.cells.items() if said != "right" and at not in self.limits
        }

    @property
    def figures(self) -> str:
        """The line of figures."""
        of = len(self.cells) - len(self.limits)
        absent = f"; {len(self.absent)} not installed" if self.absent else ""
        return (
            f"{of - len(self.wrong)} of {of} right ({len(self.readers)} readers, "
            f"{len(self.cases)} archives; {len(self.limits)} cells are limits of readers{absent})"
        )


def page(matrix: Matrix) -> str:
    """Write the page."""
    lines = [_HEAD, f"> readers: {matrix.figures}\n\n"]
    lines.append("## Readers\n\n| reader | from | reads by | archives right |\n|---|---|---|---|\n")
    for reader in matrix.readers:
        found = [matrix.cells[reader.name, case.name] for case in matrix.cases]
        by = "local headers, front to back" if reader.streams else "the central directory"
        right = f"{found.count('right')} of {len(found)}"
        lines.append(f"| {reader.name} | {reader.source} | {by} | {right} |\n")
    lines.append("\n## Archives\n\n| archive | readers right |\n|---|---|\n")
    for case in matrix.cases:
        found = [matrix.cells[reader.name, case.name] for reader in matrix.readers]
        lines.append(f"| {case.name} | {found.count('right')} of {len(found)} |\n")
    if matrix.limits:
        lines.append(f"\n{_LIMITS}| reader | archive | what it says |\n|---|---|---|\n")
        for (reader_name, case_name), said in matrix.limits.items():
            lines.append(f"| {reader_name} | {case_name} | {_short(said)} |\n")
    for (reader_name, case_name), said in matrix.wrong.items():
        lines.append(f"\nWrong: {reader_name}, {case_name}: {_short(said)}\n")
    if matrix.absent:
        names = ", ".join(sorted(matrix.absent))
        lines.append(f"\nNot installed where this was run: {names}.\n")
    return "".join(lines)


def _short(said: str) -> str:
    """Give the line that tells most of what was said, without what is the run's own."""
    first, *others = said.removeprefix("limit: ").splitlines()
    telling = next((line for line in (first, *others) if _TELLING.search(line)), first)
    plain = " ".join(word for word in telling.split() if "/" not in word)
    return f"`{plain.replace('`', '').replace('|', '/')[:120]}`"
