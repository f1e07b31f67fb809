"""Playing a case of the table over real sockets, and judging what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.origin import Origin
from tests.faults.packing import IMPATIENT, LOOP, Hung, run
from tests.faults.scripts import REFUSED, SCRIPTS, SLOW, objects
from tests.faults.table import CASES, Wanted

from packmule.errors import FailureCode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.packing import Outcome
    from tests.faults.register import Objects
    from tests.faults.table import Case

CODES = {
    "cl_too_large": FailureCode.TRUNCATED,
    "chunked_trunc_always": FailureCode.TRUNCATED,
    "s404": FailureCode.HTTP_STATUS,
    "s410": FailureCode.HTTP_STATUS,
    "s403xml": FailureCode.HTTP_STATUS,
    "s403_on_resume": FailureCode.HTTP_STATUS,
    "html_on_resume": FailureCode.CHANGED,
    "redir_loop": FailureCode.REDIRECTS,
    "stall_always": FailureCode.STALLED,
    "drip": FailureCode.STALLED,
    "slow_headers": FailureCode.TIMEOUT,
    "garbage": FailureCode.BAD_RESPONSE,
    "infinite": FailureCode.TOO_LARGE,
    "dup_cl": FailureCode.BAD_RESPONSE,
    "unsolicited_206": FailureCode.TRUNCATED,
    "gzip_trunc": FailureCode.TRUNCATED,
}


SIZES = (90_000, 300_000, 3_000_000)
"""Kept in memory; in a place of its own; in many blocks."""

PLAYED = [
    (case, size) for case in CASES for size in SIZES if case.fault not in SLOW or size == 300_000
]


def wanted_bytes(wanted: Wanted, o: Objects) -> bytes | None:
    """Give the bytes that must be there; None where a failure must be."""
    match wanted:
        case Wanted.A | Wanted.EITHER:
            return o.a.data
        case Wanted.B:
            return o.b.data
        case Wanted.SMALLER:
            return o.smaller.data
        case Wanted.EMPTY:
            return b""
        case Wanted.FAILURE:
            return None


def told(case: Case, outcome: Outcome, position: int, o: Objects) -> str:
    """Say what came of a case: `right`, or what is wrong with it."""
    wanted = wanted_bytes(case.wanted, o)
    got = outcome.entries.get(str(position))
    failure = outcome.failures.get(position)
    if got is not None and got != wanted:
        return "silently wrong"
    if got is None and failure is None:
        return "neither there nor failed"
    if got is None and case.wanted not in {Wanted.FAILURE, Wanted.EITHER}:
        return f"lost: {failure}"
    if case.wanted is Wanted.FAILURE and failure and failure.code != CODES[case.fault]:
        return f"misnamed: {failure}"
    return "right"


def played(case: Case, size: int, folder: Path) -> str:
    """Play a case over real sockets, and say what came of it."""
    o = objects(size, dated=case.fault == "lastmod_changed")
    script = SCRIPTS[case.fault]
    loop = IMPATIENT if case.fault in SLOW else LOOP
    with Origin(lambda x: script(x, o), refuse=REFUSED.get(case.fault, 0)) as origin:
        try:
            return told(case, run([origin.url()], folder / "out.zip", loop=loop), 0, o)
        except Hung:
            return "hung"
