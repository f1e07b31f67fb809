"""A progress bar on a terminal."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Display

from packmule.cli.tables import counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.jobs.model import Progress


@contextmanager
def bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show a bar on the error stream while the block runs, and yield the function to update it.

    That takes a label, the bytes done, and the total if it is known.
    """
    columns = (
        TextColumn("{task.fields[label]}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Display(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=None, label="")
        shown = ""

        def show(label: str, done: int, total: int | None) -> None:
            nonlocal shown
            if label.isalpha() and label != shown:
                display.reset(task)  # something else has started, with a speed of its own
            shown = label
            display.update(task, completed=done, total=total, label=label)

        yield show


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
    with bar() as show:

        def update(progress: Progress) -> None:
            label = counts(
                progress.files_done, files, active=progress.files_open,
                failed=progress.files_failed, retrying=len(progress.waiting),
            )  # fmt: skip
            label += retry(progress, time.time(), attempts)
            show(label, progress.bytes_done, progress.bytes_total)

        yield update
