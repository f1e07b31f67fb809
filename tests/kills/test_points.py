"""Hit at any call that changes a file, a run is taken up again and everything is right.

A few points of each kind; `make kills` tries every one.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from tests.kills import gate
from tests.kills.gate import Verdict
from tests.kills.points import Hits, hit_pack, hit_split, hit_worker, is_crash_point, is_refusable

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long
needs_gate = pytest.mark.skipif(
    (reason := gate.works()) is not None, reason=f"needs seccomp_unotify(2): {reason}"
)


@needs_gate
@pytest.mark.parametrize("number", [3, 14, 27])
def test_pack_killed_at_a_change_of_a_file_goes_on_when_run_again(
    number: int, tmp_path: Path
) -> None:
    result = hit_pack(tmp_path / "run", Hits(number, is_crash_point, Verdict.KILL))
    assert result.hit
    assert result.problems == []


@needs_gate
@pytest.mark.parametrize("number", [5, 22, 40])
def test_a_job_whose_worker_is_killed_at_a_change_of_a_file_is_completed(
    number: int, tmp_path: Path
) -> None:
    result = hit_worker(tmp_path / "run", Hits(number, is_crash_point, Verdict.KILL))
    assert result.hit
    assert result.problems == []


@needs_gate
@pytest.mark.parametrize("number", [12, 35, 60])
def test_a_split_job_whose_worker_is_killed_at_a_change_of_a_file_is_completed(
    number: int, tmp_path: Path
) -> None:
    result = hit_split(tmp_path / "run", Hits(number, is_crash_point, Verdict.KILL))
    assert result.hit
    assert result.problems == []


@needs_gate
@pytest.mark.parametrize("refusal", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("number", [4, 21])
def test_pack_whose_write_is_refused_says_so_and_goes_on_when_run_again(
    number: int, refusal: int, tmp_path: Path
) -> None:
    result = hit_pack(tmp_path / "run", Hits(number, is_refusable, refusal))
    assert result.hit
    assert result.problems == []


@needs_gate
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for a while"])
@pytest.mark.parametrize(("number", "refusal"), [(30, errno.ENOSPC), (18, errno.EIO)])
def test_a_worker_whose_write_is_refused_lives_on_and_the_job_can_be_retried(
    number: int, refusal: int, tmp_path: Path, *, lasting: bool
) -> None:
    result = hit_worker(tmp_path / "run", Hits(number, is_refusable, refusal, lasting))
    assert result.hit
    assert result.problems == []
