"""What a command shows while it waits: a bar on a terminal, a line now and then elsewhere.

Owns how progress and retries are reported on the error stream. The look of the bar is in
`progress.py`, which is imported on a terminal only.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from packmule.cli.tables import counts, harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.cli.progress import Bar
    from packmule.client import InProgress, RetryEvent

_LINE_INTERVAL = 10.0


def has_terminal() -> bool:
    """Return whether the error stream is a terminal on which a line can be erased."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class ProgressReporter:
    """Reports progress and retries to whoever typed the command, unless `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._reported_at: dict[str, float] = {}

    def progress(self, now: InProgress) -> None:
        """Report how far a job is."""
        files = now.progress
        label = counts(
            files.files_done, files.files_total, failed=files.files_failed,
            retrying=len(now.document.get("retrying") or ()),
        )  # fmt: skip
        self._report(label, files.bytes_done, files.bytes_total)

    def bytes(self, done: int, total: int) -> None:
        """Report how far a download is."""
        self._report("download", done, total)

    def retry(self, event: RetryEvent) -> None:
        """Report that a request failed and is sent again, at most every ten seconds."""
        if not self._quiet and self._is_due("retry"):
            if self._bar is not None:
                self._bar.clear()
            click.echo(f"{harmless(event.detail)} Retrying.", err=True)

    @contextmanager
    def bar(self) -> Iterator[None]:
        """Show a progress bar while the block runs, if on a terminal."""
        if self._quiet or not has_terminal():
            yield
            return
        from packmule.cli.progress import bar  # noqa: PLC0415 - most scripts have no terminal

        with bar() as found:
            self._bar = found
            try:
                yield
            finally:
                self._bar = None

    def _report(self, label: str, done: int, total: int | None) -> None:
        if self._bar is not None:
            self._bar.show(label, done, total)
        elif not self._quiet and self._is_due("progress"):
            of = "" if total is None else f" of {total:,}"
            click.echo(f"{label}, {done:,}{of} bytes", err=True)

    def _is_due(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._reported_at.get(what, -_LINE_INTERVAL) < _LINE_INTERVAL:
            return False
        self._reported_at[what] = now
        return True
