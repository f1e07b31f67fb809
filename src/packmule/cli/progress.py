r"""A progress bar on a terminal: one line of the error stream, redrawn at each update.

Owns the look of the line, and clearing it. ECMA-48: `\r` returns to its start, `ESC [ K` erases
from the cursor to its end.

    3 of 8 files, 2 active  ━━━━━━━━━━━━╌╌╌╌╌╌╌╌  1.2 GB of 3.1 GB  85.0 MB/s  22 s left
"""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from packmule.assembly.pace import Pace
from packmule.cli.tables import counts, harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.jobs.model import Progress

_ERASE = "\r\x1b[K"
_WIDTH = 20
_REDRAW = 0.1  # seconds
_MINUTE, _HOUR = 60, 3600
_UNIT = 1000


class Bar:
    """The line. `show` draws it, `clear` removes it until it is drawn again."""

    def __init__(self) -> None:
        self._label = ""
        self._pace = Pace()
        self._drawn_at = 0.0

    def show(self, label: str, done: int, total: int | None) -> None:
        """Show the bytes done, and the total if it is known; not more often than eyes can see."""
        now = time.monotonic()
        if label.isalpha() and label != self._label:
            self._pace = Pace()  # something else has started, with a speed of its own
        is_same, self._label = label == self._label, label
        rate = self._pace.at(done, now)
        if is_same and done != total and now - self._drawn_at < _REDRAW:
            return
        self._drawn_at = now
        columns = shutil.get_terminal_size().columns
        text = line(label, done, total, rate)[: max(1, columns - 1)]
        sys.stderr.write(f"{_ERASE}{text}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Remove the line, so that something else can be printed."""
        sys.stderr.write(_ERASE)
        sys.stderr.flush()


def line(label: str, done: int, total: int | None, rate: float) -> str:
    """Return the text of the bar; `rate` in bytes per second."""
    parts = [harmless(label)]
    if total is None:
        parts.append(size(done))
    else:
        filled = _WIDTH * done // total if total else 0
        parts += ["━" * filled + "╌" * (_WIDTH - filled), f"{size(done)} of {size(total)}"]
    if rate >= 1:
        parts.append(f"{size(rate)}/s")
        if total is not None and total > done:
            parts.append(f"{_duration((total - done) / rate)} left")
    return "  ".join(parts)


def size(count: float) -> str:
    """Return bytes in words, as `1.2 MB`; units are powers of ten."""
    if count < _UNIT:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= _UNIT
        if count < _UNIT:
            return f"{count:.1f} {unit}"
    return f"{count / _UNIT:.1f} TB"


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


@contextmanager
def bar() -> Iterator[Bar]:
    """Yield a bar, which is cleared at the end of the block."""
    found = Bar()
    try:
        yield found
    finally:
        found.clear()


def retry(progress: Progress, now: float, attempts: int) -> str:
    """Return what the next retry is, when, and why, as `, retry 3 of 8 in 4 s: host not found`.

    Empty while files arrive: then a single one that waits is of no interest.
    """
    if not progress.waiting or progress.bytes_per_second >= 1:
        return ""
    first = progress.waiting[0]
    which = first.failure.attempts + 1
    of = f" {which} of {attempts}" if which <= attempts else ""
    seconds = max(0, round(first.next_attempt_at - now))
    return f", retry{of} in {seconds} s: {first.failure.detail}"


@contextmanager
def shown(files: int, attempts: int) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of packing `files` files while the block runs.

    `attempts` is how many tries a file has.
    """
    with bar() as found:

        def update(progress: Progress) -> None:
            label = counts(
                progress.files_done, files, active=progress.files_open,
                failed=progress.files_failed, retrying=len(progress.waiting),
            )  # fmt: skip
            label += retry(progress, time.time(), attempts)
            found.show(label, progress.bytes_done, progress.bytes_total)

        yield update
