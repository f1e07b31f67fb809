"""`python -m tests.readers.run`: every archive of the corpus by every reader that is installed.

Prints the matrix and one line of figures, and writes docs/readers.md.

--brief       only the cases of the short run, and no document
--only NAME   one reader, and no document
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.readers.building import built, missing
from tests.readers.corpus import CASES
from tests.readers.document import Matrix, page
from tests.readers.matrix import judged
from tests.readers.table import READERS

if TYPE_CHECKING:
    from tests.readers.corpus import Case
    from tests.readers.table import Reader

DOCUMENT = Path(__file__).parents[2] / "docs/readers.md"
SIDE_BY_SIDE = 2
STRESS_SECONDS = 900.0


def main() -> None:
    """Run all; exit with 1 where a reader found something else."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--only")
    asked = parser.parse_args()
    cases = [case for case in CASES if case.brief or not asked.brief]
    here = [
        reader
        for reader in READERS
        if asked.only in {None, reader.name} and missing(reader.needs) is None
    ]
    absent = {
        reader.name: need for reader in READERS if (need := missing(reader.needs)) is not None
    }
    matrix = Matrix(here, cases, absent)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            matrix.cells |= _row(case, here, Path(folder))
            _tell(case, matrix)
    sys.stdout.write(f"readers: {matrix.figures}\n")
    if not (asked.brief or asked.only):
        DOCUMENT.write_text(page(matrix), encoding="utf-8")
    sys.exit(1 if matrix.wrong else 0)


def _row(case: Case, readers: list[Reader], folder: Path) -> dict[tuple[str, str], str]:
    """Have every reader read one archive."""
    room = folder / "case"
    room.mkdir()
    sample = case.sample(room)
    home = built()
    seconds = STRESS_SECONDS if case.stress else 120.0

    def cell(at: int, reader: Reader) -> str:
        said = judged(reader, sample, built=home, folder=room / f"{at}", seconds=seconds)
        shutil.rmtree(room / f"{at}")
        return said

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        said = list(pool.map(cell, range(len(readers)), readers))
    shutil.rmtree(room)
    return {(reader.name, case.name): each for reader, each in zip(readers, said, strict=True)}


def _tell(case: Case, matrix: Matrix) -> None:
    sys.stdout.write(f"\n{case.name}\n")
    for reader in matrix.readers:
        sys.stdout.write(f"  {reader.name:26} {matrix.cells[reader.name, case.name]}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
