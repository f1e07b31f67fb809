"""Throughput over time as an SVG: a panel for each case, a line for each contestant. Pure.

Owns the drawing. Colours are told apart by the colour-blind too (Okabe and Ito), and each line has
its name beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

SAMPLE_SECONDS = 0.1
WIDTH, PANEL, GAP = 860, 200, 64
LEFT, RIGHT, TOP = 64, 290, 40
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")
SMOOTH = 3


@dataclass(frozen=True, slots=True)
class Series:
    """A contestant's line: bytes received by the end of each tenth of a second."""

    title: str
    received: Sequence[int]

    @property
    def rates(self) -> list[float]:
        """MB/s in each tenth of a second, as a mean over its neighbours too."""
        steps = [after - before for before, after in pairwise([0, *self.received])]
        spans = [steps[max(at - SMOOTH // 2, 0) : at + SMOOTH // 2 + 1] for at in range(len(steps))]
        return [sum(span) / len(span) / SAMPLE_SECONDS / 1e6 for span in spans]


@dataclass(frozen=True, slots=True)
class Panel:
    """A case's picture."""

    title: str
    series: Sequence[Series]


def draw(panels: Sequence[Panel]) -> str:
    """Draw all panels, one below the other."""
    height = TOP + len(panels) * (PANEL + GAP)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>'
    )
    drawn = [_panel(panel, TOP + at * (PANEL + GAP)) for at, panel in enumerate(panels)]
    return "\n".join([head, *drawn, "</svg>\n"])


def _panel(panel: Panel, top: int) -> str:
    seconds = max(len(one.received) for one in panel.series) * SAMPLE_SECONDS
    peak = max(max(one.rates) for one in panel.series)
    across, up = _step(seconds), _step(peak)
    most = up * (int(peak / up) + 1)
    wide, bottom = WIDTH - LEFT - RIGHT, top + PANEL

    def x(at: float) -> float:
        return LEFT + wide * at / seconds

    def y(rate: float) -> float:
        return bottom - PANEL * rate / most

    parts = [f'<text x="{LEFT}" y="{top - 12}" font-weight="bold">{escape(panel.title)}</text>']
    for number in range(int(most / up) + 1):
        at = y(number * up)
        label = f"{number * up:g}" + (" MB/s" if number == int(most / up) else "")
        parts.append(f'<path d="M{LEFT} {at:.1f}H{LEFT + wide}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    for number in range(int(seconds / across) + 1):
        at = x(number * across)
        label = f"{number * across:g} s"
        parts.append(f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
    for number, one in enumerate(panel.series):
        colour = COLOURS[number % len(COLOURS)]
        points = [(x(SAMPLE_SECONDS * (at + 0.5)), y(rate)) for at, rate in enumerate(one.rates)]
        line = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
        thick = 2.5 if number == 0 else 1.5
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{thick}"/>'
        )
        at = top + 12 + 18 * number
        parts.append(
            f'<text x="{LEFT + wide + 10}" y="{at}" fill="{colour}">{escape(one.title)}</text>'
        )
    return "\n".join(parts)


def _step(most: float) -> float:
    """Return a round distance between marks, of which there are at most six."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        if most / step <= 6:
            return step
    return 500
