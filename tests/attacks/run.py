"""`make attacks`: play each attack at full size against the real program, and print one line.

    python -m tests.attacks.run [NAME ...]

Owns the report. Exits with 1 where an attack got through.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.attacks.scenarios import ATTACKS
from tests.attacks.stage import Attack, Stage


def main() -> None:
    """Play all attacks, or those whose names hold one of the given words."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    words = parser.parse_args().words
    chosen = [each for each in ATTACKS if not words or any(word in each.name for word in words)]
    held = sum(_holds(each) for each in chosen)
    sys.stdout.write(f"attacks: {held} of {len(chosen)} repelled\n")
    sys.exit(held != len(chosen))


def _holds(attack: Attack) -> bool:
    """Play an attack; return whether the program held, and print what happened if not."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            attack.play(Stage(Path(folder), health_seconds=1.0), attack.full)
        except Exception:  # noqa: BLE001 -- whatever went wrong, the next attack is played
            sys.stdout.write(f"GOT THROUGH: {attack.name}\n{traceback.format_exc()}")
            return False
    sys.stdout.write(f"repelled: {attack.name} ({time.monotonic() - began:.1f} s)\n")
    sys.stdout.flush()
    return True


if __name__ == "__main__":
    main()
