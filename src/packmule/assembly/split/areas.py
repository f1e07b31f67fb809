"""What assembling needs of a split archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from packmule.assembly.split.area_files import AreaFiles
    from packmule.assembly.split.split_plan import SplitPlan


class Areas(NamedTuple):
    """The files of the areas, and which entry goes into which."""

    files: AreaFiles
    plan: SplitPlan
