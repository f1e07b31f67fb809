"""The table of addresses, links, answers and redirects that must be refused, or must not be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OWN_HOST = "zip.example"  # stands for this service's own public name
_TABLE = Path(__file__).with_name("ssrf.json")


@dataclass(frozen=True)
class Case:
    """One line of the table; what a kind does not have is empty."""

    id: str
    kind: str
    verdict: str
    strength: str
    why: str
    url: str
    ip: str
    host: str
    resolves_to: tuple[str, ...] | None
    answers: tuple[tuple[str, ...], ...]
    chain: tuple[str, ...]
    env: tuple[tuple[str, str], ...]

    @property
    def allowed(self) -> bool:
        """Whether the table wants it reached; fails on a verdict that is neither."""
        assert self.verdict in {"allow", "block"}, self
        return self.verdict == "allow"


def _case(line: dict[str, Any]) -> Case:
    url = str(line.get("url", ""))
    resolves_to = line.get("resolves_to")
    return Case(
        id=line["id"],
        kind=line["kind"],
        verdict=line["verdict"],
        strength=line["strength"],
        why=line["why"],
        url=url.replace("<own public host>", OWN_HOST).replace("<hash>", "0" * 32),
        ip=line.get("ip", ""),
        host=line.get("host", ""),
        resolves_to=None if resolves_to is None else tuple(resolves_to),
        answers=tuple(map(tuple, line.get("answers", ()))),
        chain=tuple(line.get("chain", ())),
        env=tuple(line.get("env", {}).items()),
    )


ALL = tuple(_case(line) for line in json.loads(_TABLE.read_text(encoding="utf-8"))["cases"])


def cases(kind: str) -> list[Case]:
    """All cases of one kind, in the table's order; never none."""
    chosen = [case for case in ALL if case.kind == kind]
    assert chosen, kind
    return chosen


def name(case: Case) -> str:
    """A test's id: the case, and what is wanted of it."""
    return f"{case.id}-{case.verdict.partition(' ')[0]}"
