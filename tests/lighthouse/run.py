"""`python -m tests.lighthouse.run`: Lighthouse's scores of the start page; fails below 100.

Not among the tests: its score for performance is a timing, on a phone that it makes up, and a busy
machine spoils it. So the first perfect run of a few counts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.chromium import with_port
from tests.fakes import node
from tests.spec.service import Service, a_free_port

PACKAGES = Path(__file__).parent / "node"
PERFECT = 100
RUNS = 3
_SECONDS = 120


def looked_at(url: str, packages: Path) -> dict[str, Any]:
    """Have Lighthouse look at a page once: its scores, and what costs points."""
    port = a_free_port()
    try:
        with with_port(port):
            ran = subprocess.run(
                ["node", "scores.mjs", url, str(port)],
                cwd=packages,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                timeout=_SECONDS,
            )
    except subprocess.TimeoutExpired:
        return {"scores": {}, "lost": [], "failed": f"no answer within {_SECONDS} seconds"}
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def main() -> None:
    """Print the scores; exit with 1 below 100."""
    if missing := [each for each in ("chromium", "node", "npm") if not shutil.which(each)]:
        sys.exit(f"Lighthouse needs {' and '.join(missing)}: see .ci/run")
    packages = node.installed(PACKAGES)
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        service.start()
        for _ in range(RUNS):
            found = looked_at(service.url, packages)
            scores = found["scores"]
            said = ", ".join(f"{name} {score}" for name, score in scores.items())
            sys.stdout.write(f"lighthouse: {said or 'no scores'}\n")
            if scores and not found["failed"] and min(scores.values()) == PERFECT:
                return
            reasons = [each for each in (found["failed"], *found["lost"]) if each]
            sys.stdout.writelines(f"  {each}\n" for each in reasons)
            sys.stdout.flush()
    sys.exit(1)


if __name__ == "__main__":
    main()
