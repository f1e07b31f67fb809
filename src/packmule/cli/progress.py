"""The progress of packing on a terminal.

Owns how it looks. Leaves what it tells to whoever calls it with a `Progress`.
"""

from __future__ import annotations

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.jobs.model import Progress


@contextmanager
def shown(files: int) -> Iterator[Callable[[Progress], None]]:
    """Show a bar on the terminal's error stream while the block runs."""
    columns = (
        TextColumn("{task.fields[files]} files"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Display(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("pack", total=None, files=f"0/{files}")

        def show(progress: Progress) -> None:
            count = f"{progress.files_done + progress.files_failed}/{files}"
            display.update(
                task, completed=progress.bytes_done, total=progress.bytes_total, files=count
            )

        yield show
