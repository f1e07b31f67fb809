"""docs/field-cases.md, from the cases: what real servers send, and what Packmule does.

Owns the table between the document's marks.
"""

from __future__ import annotations

from itertools import groupby

from tests.field.cases import CASES


def table() -> str:
    """Return the cases as tables, one for each kind."""
    kinds = groupby(sorted(CASES, key=lambda each: each.kind), lambda each: each.kind)
    parts = [f"Cases: {len(CASES)}."]
    for kind, cases in kinds:
        rows = [f"| {each.comes} | {each.does} | {each.source} |" for each in cases]
        head = [f"## {kind}\n", "| what comes | what Packmule does | source |", "|---|---|---|"]
        parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts)
