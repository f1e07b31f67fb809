"""`python -m tests.s3_conformance.run`: the suites of parts and storage on every store to be had.

A store that lacks something is no failure where a service says so at its start.

--store NAME  this one only; may be given several times
--all         a store that cannot be had is an error
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

from tests.fakes.bucket import GIVEN, FakeS3
from tests.s3_conformance.absent import Absent
from tests.s3_conformance.stores import STORES

from packmule.errors import StorageAway
from packmule.storage.s3_bucket import Bucket, BucketAddress, Encryption
from packmule.storage.s3_probe import probe

SUITES = (
    "tests/conformance/test_storage.py",
    "tests/unit/storage/test_s3_probe.py",
    "tests/unit/storage/test_s3_stream.py",
)
_ROOT = Path(__file__).parents[2]


class Tests(NamedTuple):
    """How many tests there are, which passed, and why others were not run or failed."""

    total: int
    passed: int
    skipped: tuple[str, ...]
    failed: tuple[str, ...]

    def line(self, store: str) -> str:
        """Say it in one line."""
        wanted = self.total - len(self.skipped)
        text = f"{store}: {self.passed} of {wanted}"
        if self.skipped:
            reasons = "; ".join(sorted(set(self.skipped)))
            text += f", {len(self.skipped)} skipped ({reasons})"
        return text


def main() -> None:
    """Run the suites on each store; exit with 1 where a test failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", action="append", choices=STORES)
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    failed = False
    for name in asked.store or STORES:
        with tempfile.TemporaryDirectory(prefix=f"packmule-{name}-") as folder:
            try:
                with STORES[name](Path(folder)) as url:
                    refusal = refused(url)
                    tests = run(url, Path(folder) / "report.xml")
            except Absent as error:
                sys.stdout.write(f"{name}: skipped: {error}\n")
                sys.stdout.flush()
                failed |= asked.all
                continue
        sys.stdout.write(f"{tests.line(name)}\n")
        if refusal is not None:  # so nobody runs on it without knowing
            sys.stdout.write(f"    reported at start: {refusal}\n")
        else:
            failed |= bool(tests.failed) or not tests.passed
            for test in tests.failed:
                sys.stdout.write(f"    failed: {test}\n")
        sys.stdout.flush()
    sys.exit(failed)


def refused(url: str) -> str | None:
    """Return what a service says at its start of what the store lacks; None if it lacks nothing."""
    os.environ[GIVEN] = url
    server = FakeS3(url)
    os.environ.update(server.environment)
    try:
        probe(Bucket(BucketAddress(server.make_bucket()), Encryption()), "tried")
    except StorageAway as error:
        return str(error)
    return None


def run(url: str, report: Path) -> Tests:
    """Run the suites on the store at `url`."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n0", "-m", ""),
            *("-p", "no:cacheprovider", f"--junitxml={report}", *SUITES),
        ],
        cwd=_ROOT,
        env={**os.environ, GIVEN: url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return read(report.read_text(encoding="utf-8"))


def read(report: str) -> Tests:
    """Read pytest's report in JUnit's form."""
    cases = ET.fromstring(report).findall(".//testcase")  # noqa: S314 - pytest wrote it
    skipped, failed = [], []
    for case in cases:
        if (skip := case.find("skipped")) is not None:
            skipped.append(skip.get("message", "no reason given"))
        elif case.find("failure") is not None or case.find("error") is not None:
            failed.append(case.get("name", "?"))
    passed = len(cases) - len(skipped) - len(failed)
    return Tests(len(cases), passed, tuple(skipped), tuple(failed))


if __name__ == "__main__":
    main()
