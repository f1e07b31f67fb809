"""`make fuzz`: the API and the parsers at full size, one figure line each.

    python -m tests.fuzz.full [--requests N] [--inputs N]

Owns the sizes and the figures. Exits with 1 where something did not hold, having shown it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hypothesis import settings
from tests.fakes.origin import Origin
from tests.fuzz.api import ApiFuzzer
from tests.fuzz.parsing import TARGETS
from tests.spec.service import Service

REQUESTS = 10_000
INPUTS = 50_000
_LONGEST_INPUT = 8192
_HELD = re.compile(r"^held (\d+)$", re.MULTILINE)


def api(requests: int) -> bool:
    """Send requests made up from the OpenAPI document."""
    began = time.monotonic()
    fault: Exception | None = None
    with (
        tempfile.TemporaryDirectory() as folder,
        Origin() as origin,
        Service(Path(folder), ATTEMPTS="1") as service,
    ):
        links = [origin.put(f"/{number}.txt", b"a file") for number in range(3)]
        fuzzer = ApiFuzzer(service.start(), links)
        try:
            fuzzer.run(requests)
        except Exception as error:  # noqa: BLE001 - told, then counted
            fault = error
            traceback.print_exc()
    statuses = ", ".join(f"{number} x {code}" for code, number in sorted(fuzzer.statuses.items()))
    total = fuzzer.sent + (fault is not None)
    say(
        f"API: {fuzzer.sent:,} of {total:,} answers are as described and none is 5xx "
        f"({statuses}; {time.monotonic() - began:.0f} s)"
    )
    return fault is None


def parser(target: str, inputs: int) -> bool:
    """Run one property: by atheris where it is there, else by Hypothesis alone."""
    began = time.monotonic()
    try:
        import atheris  # noqa: F401, PLC0415 - only whether it is there
    except ImportError:
        engine, done, good = "Hypothesis", inputs, _by_hypothesis(target, inputs)
    else:
        engine = "atheris"
        done, good = _by_atheris(target, inputs)
    held = f"{done:,} of {done:,} inputs hold" if good else "an input does not hold"
    say(f"{target}: {held} ({engine}, {time.monotonic() - began:.0f} s)")
    return good


def _by_hypothesis(target: str, inputs: int) -> bool:
    settings.register_profile("full", max_examples=inputs, deadline=None, database=None)
    settings.load_profile("full")
    try:
        TARGETS[target]()
    except Exception as error:  # noqa: BLE001 - told, then counted
        say(repr(error))
        return False
    return True


def _by_atheris(target: str, inputs: int) -> tuple[int, bool]:
    with tempfile.TemporaryDirectory() as folder:
        options = [f"-max_len={_LONGEST_INPUT}", f"-artifact_prefix={folder}/"]
        ended = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.coverage_guided", target, str(inputs), *options],
            capture_output=True, text=True, errors="replace", check=False,
            env=os.environ | {"TMPDIR": folder},
        )  # fmt: skip
    found = _HELD.search(ended.stdout)
    if ended.returncode == 0 and found is not None:
        return int(found[1]), True
    say(ended.stdout[-4000:] + ended.stderr[-4000:])
    return 1, False


def say(line: str) -> None:
    """Tell at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run all, and give the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--requests", type=int, default=REQUESTS)
    arguments.add_argument("--inputs", type=int, default=INPUTS, help="of each parser")
    sizes = arguments.parse_args()
    results = [api(sizes.requests), *[parser(target, sizes.inputs) for target in TARGETS]]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
