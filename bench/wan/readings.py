"""What a run leaves behind: a JSON file for each case, which the next run of that case replaces.

Owns its shape, and the arithmetic from rounds to figures. Pure but for reading and writing.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.wan.contestants import OURS


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of a contestant: seconds, CPU seconds, bytes; or why it failed.

    `received` is the bytes that had come in over the link at the end of each tenth of a second.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    connections: int = 0
    refused: int = 0
    received: tuple[int, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A contestant's turns in a case."""

    name: str
    title: str
    turns: list[Turn] = field(default_factory=list)

    @property
    def good(self) -> list[Turn]:
        """The turns that did not fail."""
        return [turn for turn in self.turns if turn.failure is None]

    @property
    def failures(self) -> list[str]:
        """Why the others failed."""
        return [turn.failure for turn in self.turns if turn.failure is not None]

    @property
    def seconds(self) -> float | None:
        """The median of the seconds; None where a turn failed: what fails is not fast."""
        return median(turn.seconds for turn in self.good) if self.counts else None

    @property
    def counts(self) -> bool:
        """Return whether its figures can be compared."""
        return bool(self.good) and not self.failures

    def middle(self) -> Turn:
        """Return the turn that took the median time, or the one just above."""
        return sorted(self.good, key=lambda turn: turn.seconds)[len(self.good) // 2]


@dataclass(frozen=True, slots=True)
class Result:
    """A case's lines, and of which commit, when and with how many rounds they were taken."""

    case: str
    commit: str
    at: str
    rounds: int
    moved_bytes: int
    lines: list[Line]

    def line(self, name: str) -> Line | None:
        """Return a contestant's line."""
        return next((line for line in self.lines if line.name == name), None)

    @property
    def fastest_peer(self) -> Line | None:
        """Return the peer with the least seconds of those that never failed."""
        peers = [line for line in self.lines if line.name not in OURS and line.counts]
        return min(peers, key=lambda line: line.seconds or 0.0, default=None)

    def ratio(self, name: str) -> float | None:
        """Return a contestant's seconds by the fastest peer's."""
        line, peer = self.line(name), self.fastest_peer
        if line is None or peer is None or line.seconds is None or not peer.seconds:
            return None
        return line.seconds / peer.seconds


def write(folder: Path, result: Result) -> None:
    """Keep a case's result."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.case}.json").write_text(json.dumps(asdict(result)))


def read(folder: Path, cases: Iterable[str]) -> list[Result]:
    """Read the results of those cases that have one."""
    paths = [folder / f"{case}.json" for case in cases]
    return [_result(json.loads(path.read_text())) for path in paths if path.exists()]


def _result(values: dict[str, object]) -> Result:
    raw = values.pop("lines")
    assert isinstance(raw, list)  # noqa: S101 - as it was written
    lines = [
        Line(each["name"], each["title"], [Turn(**turn) for turn in each["turns"]]) for each in raw
    ]
    return Result(**values, lines=lines)  # type: ignore[arg-type]
