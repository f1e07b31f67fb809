"""One property of `parsing.py`, led by atheris to inputs that reach new code.

    python -m tests.fuzz.coverage_guided TARGET INPUTS [libFuzzer's options]

Owns nothing but the joining of the two: Hypothesis makes values of the bytes, atheris chooses the
bytes by what they reach. Bytes of which no value can be made count for nothing. Says `held N` and
ends when enough have held; ends by an exception where one does not.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["packmule"]):
    from tests.fuzz.parsing import TARGETS

_SEEDS = 64


def main() -> None:
    """Run until enough inputs have held, or one does not."""
    name, wanted, *options = sys.argv[1:]
    fuzz_one_input = TARGETS[name].hypothesis.fuzz_one_input  # type: ignore[attr-defined]
    held = 0

    def one_input(data: bytes) -> None:
        nonlocal held
        if fuzz_one_input(data) is None:
            return
        held += 1
        if held >= int(wanted):
            sys.stdout.write(f"held {held}\n")
            sys.stdout.flush()
            os._exit(0)  # atheris has no other end than an exception

    with tempfile.TemporaryDirectory() as folder:
        # From nothing it would take long until bytes are enough for a value.
        for number in range(_SEEDS):
            seed = random.Random(number).randbytes(64 * (number + 1))
            (Path(folder) / f"{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], "-len_control=0", *options, folder], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
