"""Foreign programs and libraries find in our archives the names and bytes that were put in.

The archives are those of `corpus`, most of them packed by the program itself. The readers are those
that are installed; `make readers` prints the whole matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conftest import MAY_SKIP
from tests.readers.building import built, missing
from tests.readers.corpus import CASES, Case, contents
from tests.readers.matrix import read
from tests.readers.table import NAMED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.readers.bodies import Content

BRIEF = [case for case in CASES if case.brief]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, Content]]]:
    """Make the archives of the short run."""
    folder = tmp_path_factory.mktemp("corpus")

    def made(case: Case, archive: Path) -> tuple[Path, dict[str, Content]]:
        return archive, contents(case.make(archive))

    return {case.name: made(case, folder / f"{at}.zip") for at, case in enumerate(BRIEF)}


@pytest.mark.parametrize("name", list(NAMED))
def test_a_reader_finds_every_name_and_byte(
    name: str, corpus: dict[str, tuple[Path, dict[str, Content]]], tmp_path: Path
) -> None:
    reader = NAMED[name]
    if (need := missing(reader.needs)) is not None:
        reason = f"needs {need} ({reader.source}), which is not installed (see .ci/run)"
        (pytest.skip if MAY_SKIP else pytest.fail)(reason)
    found = {
        case: read(reader, archive, wanted, built=built(), folder=tmp_path / f"out-{at}")
        for at, (case, (archive, wanted)) in enumerate(corpus.items())
    }
    assert found == dict.fromkeys(corpus, "right")
