"""The table of source faults, and what is wanted of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_TABLE = Path(__file__).parents[1] / "cases" / "source_faults.json"


class Wanted(StrEnum):
    """What must come of a fault."""

    A = "exact bytes of version A"
    B = "exact bytes of version B (never a splice)"
    SMALLER = "exact bytes of the smaller version B"
    EMPTY = "success, 0 bytes"
    FAILURE = "reported failure in bounded time; no file delivered as good"
    EITHER = "either exact bytes or reported failure; never wrong bytes"


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    fault: str
    server: str
    wanted: Wanted


CASES = tuple(
    Case(line["fault"], line["server"], Wanted(line["expected"]))
    for line in json.loads(_TABLE.read_text(encoding="utf-8"))["faults"]
)
