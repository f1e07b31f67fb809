"""Foreign programs and libraries find in our archives the names and bytes that were put in.

The archives are those of `corpus`, most of them packed by the program itself. The readers are those
that are installed; those that are slow to start or to build count as long tests. `make readers`
prints the whole matrix.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import MAY_SKIP
from tests.readers.building import built, missing
from tests.readers.corpus import CASES
from tests.readers.matrix import judged, read
from tests.readers.table import NAMED, How, Reader

if TYPE_CHECKING:
    from tests.readers.corpus import Sample

BRIEF = [case for case in CASES if case.brief]
EACH = [
    pytest.param(name, marks=pytest.mark.long if reader.slow else ())
    for name, reader in NAMED.items()
]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """Make the archives of the short run."""
    return {case.name: case.sample(tmp_path_factory.mktemp("sample")) for case in BRIEF}


@pytest.mark.parametrize("name", EACH)
def test_a_reader_finds_every_name_and_byte(
    name: str, corpus: dict[str, Sample], tmp_path: Path
) -> None:
    reader = NAMED[name]
    if (need := missing(reader.needs)) is not None:
        reason = f"needs {need} ({reader.source}), which is not installed (see .ci/run)"
        (pytest.skip if MAY_SKIP else pytest.fail)(reason)
    # Only what is slow must be built before it can run.
    made = built() if reader.slow else tmp_path
    found = {
        case: judged(reader, sample, built=made, folder=tmp_path / f"out-{at}")
        for at, (case, sample) in enumerate(corpus.items())
    }
    wrong = {case: said for case, said in found.items() if not said.startswith(("right", "limit"))}
    assert wrong == {}
    assert list(found.values()).count("right") > len(found) / 2


def test_a_reader_that_does_not_end_is_ended_with_all_it_started(tmp_path: Path) -> None:
    line = "sleep 600 & echo $! >child; wait"
    endless = Reader("endless", line, How.CHECKS, (), "nowhere")
    room = tmp_path / "room"
    said = read(endless, tmp_path, {}, built=tmp_path, folder=room, seconds=0.5)
    assert said == "not done after 0.5 s"
    child = int((room / "child").read_text())
    deadline = time.monotonic() + 10
    while (Path("/proc") / str(child)).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
