"""What is shown while a command waits: a bar on a terminal, now and then a line elsewhere.

Owns how progress and troubles are told on the error stream. Leaves the look of the bar to
`progress.py`, which is imported on a terminal only.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from packmule.cli.tables import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.client import InProgress, Trouble

_LINE_EVERY = 10.0


class Watch:
    """Is told how far things are, and of troubles; tells them on, or nothing where `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._show: Callable[[str, int, int | None], None] | None = None
        self._told_at: dict[str, float] = {}

    def progress(self, now: InProgress) -> None:
        """Tell how far a job is."""
        files = now.progress
        done = files.files_done + files.files_failed
        self._tell(f"{done}/{files.files_total} files", files.bytes_done, files.bytes_total)

    def bytes(self, done: int, total: int) -> None:
        """Tell how far a download is."""
        self._tell("download", done, total)

    def trouble(self, trouble: Trouble) -> None:
        """Tell that a try failed, unless that has just been told."""
        if not self._quiet and self._is_due("trouble"):
            click.echo(f"{harmless(trouble.detail)} Trying again.", err=True)

    @contextmanager
    def bar(self) -> Iterator[None]:
        """Show a bar while the block runs, on a terminal."""
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        from packmule.cli.progress import bar  # noqa: PLC0415 - rich is slow to import

        with bar() as show:
            self._show = show
            try:
                yield
            finally:
                self._show = None

    def _tell(self, label: str, done: int, total: int | None) -> None:
        if self._show is not None:
            self._show(label, done, total)
        elif not self._quiet and self._is_due("progress"):
            of = "" if total is None else f" of {total:,}"
            click.echo(f"{label}, {done:,}{of} bytes", err=True)

    def _is_due(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._told_at.get(what, -_LINE_EVERY) < _LINE_EVERY:
            return False
        self._told_at[what] = now
        return True
