"""All field cases: what the modules of this folder declare with `@case`."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.field.case import Case

CASES: list[Case] = [
    each
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))
    for each in vars(importlib.import_module(f"tests.field.cases.{path.stem}")).values()
    if isinstance(each, Case)
]
