"""Packing without a server: the same assembly, remembered in a journal beside the archive.

Owns what surrounds it on the command line's behalf: the part file, taking it up again, and the
rename that makes it the archive. Leaves talking to people to the command line.

    out.zip.part            the archive in the making
    out.zip.part.journal    its checkpoints, from the first second on
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packmule.assembly.assembly import Assembly
from packmule.assembly.disk.disk_file import translated
from packmule.assembly.resuming import usable
from packmule.assembly.run import Resolved, Stopped, assemble
from packmule.jobs.digest import sources_digest
from packmule.jobs.journal import Journal
from packmule.jobs.model import Compression, FailedEntry, OnError, OnHtml, Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from threading import Event

    from packmule.assembly.resources import SharedResources
    from packmule.jobs.model import Progress, Source


@dataclass(frozen=True, slots=True)
class Packed:
    """How packing ended: `size` in bytes where there is an archive, None where there is none.

    `html_pages` are the positions of files that came as a page where media was announced.
    """

    size: int | None
    files: int
    resumed: int
    failed: tuple[FailedEntry, ...] = ()
    stopped: bool = False
    html_pages: tuple[int, ...] = ()


def pack(
    sources: Sequence[Source],
    out: Path,
    resources: SharedResources,
    stop: Event,
    *,
    on_error: OnError = OnError.FAIL,
    on_html: OnHtml = OnHtml.REPORT,
    compression: Compression = Compression.AUTO,
    watch: Callable[[Progress], None] | None = None,
    interval: float = 1.0,
) -> Packed:
    """Fetch `sources` into the archive `out`, taking up what an earlier run left.

    Raises UsageError where another process packs it, DiskFull, StorageFailed, ArchiveTooLarge.
    """
    part = out.with_name(f"{out.name}.part")
    journal = Journal(part.with_name(f"{part.name}.journal"))
    remembered = _remembered(journal, part, sources)
    try:
        assembly = Assembly(
            sources, remembered, part, resources, compression=compression, on_html=on_html
        )
        try:
            outcome = assemble(assembly, journal.append, stop, watch=watch, interval=interval)
            failed = tuple(assembly.failed)
            resumed = len(remembered.done)
            match outcome:
                case Stopped():
                    return Packed(None, len(assembly.archive.done), resumed, failed, stopped=True)
                case Resolved(done, lost, rest):
                    # Before the directory is written where something failed may have been.
                    journal.append(rest)
                    if lost and (on_error is OnError.FAIL or not done):
                        return Packed(None, done, resumed, failed)
            finished, size = assembly.finish()
        finally:
            assembly.close()
        _publish(finished, out)
        part.unlink(missing_ok=True)
        journal.remove()
        pages = tuple(sorted(one.position for one in assembly.archive.done if one.html_page))
        return Packed(size, outcome.done, resumed, failed, html_pages=pages)
    finally:
        journal.close()


def _remembered(journal: Journal, part: Path, sources: Sequence[Source]) -> Remembered:
    """Take up what the journal tells and the file holds; what failed is tried once more."""
    remembered = journal.load(sources_digest(sources)) or Remembered()
    size = part.stat().st_size if part.exists() else 0
    return usable(replace(remembered, failed=()), size)


def _publish(finished: Path, out: Path) -> None:
    """Put the finished file in its place so that a power cut cannot undo it."""
    try:
        for path, target in ((finished, None), (finished, out), (out.parent, None)):
            if target is not None:
                path.replace(target)
                continue
            fd = os.open(path, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
    except OSError as error:
        raise translated(error, out) from error
