"""`make s3-conformance`: what it says of a store, and of one that cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.s3_conformance import run, stores
from tests.s3_conformance.absent import Absent

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """<testsuites><testsuite>
<testcase name="test_good"/>
<testcase name="test_skipped"><skipped message="it lists no uploads"/></testcase>
<testcase name="test_bad"><failure message="x">y</failure></testcase>
<testcase name="test_broken"><error message="x">y</error></testcase>
</testsuite></testsuites>"""


def test_a_store_is_one_line_and_its_failures_have_their_names() -> None:
    found = run.read(REPORT)
    assert found.line("moto") == "moto: 1 of 3, 1 skipped (it lists no uploads)"
    assert found.failed == ("test_bad", "test_broken")


def test_a_program_that_is_not_there_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for store in (stores.rclone, stores.s3rver):
        with pytest.raises(Absent, match="not installed"), store(tmp_path):
            pass


def test_the_suites_are_there() -> None:
    for suite in run.SUITES:
        assert (run._ROOT / suite).is_file()
