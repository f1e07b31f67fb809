"""`make field`: play every field case against the real program, and print one line.

    python -m tests.field.run [WORD ...]

Owns the report. Exits with 1 where a case does not end as it should.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

from tests.field.case import Case, Field
from tests.field.cases import CASES

SIDE_BY_SIDE = 4


def main() -> None:
    """Play all cases, or those whose names hold one of the given words."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    words = parser.parse_args().words
    chosen = [each for each in CASES if not words or any(word in each.name for word in words)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        right = sum(pool.map(_is_right, chosen))
    sys.stdout.write(f"field: {right} of {len(chosen)}\n")
    sys.exit(right != len(chosen))


def _is_right(case: Case) -> bool:
    try:
        case.play(Field(as_program=True))
    except Exception:  # noqa: BLE001 -- whatever went wrong, the other cases are played
        sys.stdout.write(f"WRONG: {case.kind}: {case.name}\n{traceback.format_exc()}")
        return False
    return True


if __name__ == "__main__":
    main()
