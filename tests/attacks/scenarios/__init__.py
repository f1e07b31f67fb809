"""All attacks: what the modules of this folder declare with `@attack`."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.attacks.stage import Attack

ATTACKS: list[Attack] = [
    each
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))
    for each in vars(importlib.import_module(f"tests.attacks.scenarios.{path.stem}")).values()
    if isinstance(each, Attack)
]
