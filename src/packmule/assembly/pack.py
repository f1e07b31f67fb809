"""Packing without a server: the same assembly, remembered in a journal beside the archive.

Owns what surrounds it on the command line's behalf: the part file, taking it up again, and the
rename that makes it the archive. Leaves talking to people to the command line.

    out.zip.part            the archive in the making
    out.zip.part.journal    its checkpoints, from the first second on
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from packmule import durable_files
from packmule.assembly.assembly import Assembly
from packmule.assembly.disk.disk_file import translated
from packmule.assembly.resuming import entry_end, usable
from packmule.assembly.run import Resolved, Stopped, assemble
from packmule.errors import UsageError, WarningCode
from packmule.jobs.digest import sources_digest
from packmule.jobs.journal import Journal
from packmule.jobs.model import (
    Checkpoint,
    Compression,
    FailedEntry,
    Manifest,
    OnError,
    OnHtml,
    Remembered,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from packmule.assembly.resources import SharedResources
    from packmule.assembly.run import StopSignal
    from packmule.jobs.model import Progress, Source


@dataclass(frozen=True, slots=True)
class Packed:
    """How packing ended: `size` in bytes where there is an archive, None where there is none.

    `warnings` are the positions of packed files in whose place something else came, and what.
    """

    size: int | None
    files: int
    resumed: int
    failed: tuple[FailedEntry, ...] = ()
    stopped: bool = False
    warnings: tuple[tuple[int, WarningCode], ...] = ()


def pack(
    sources: Sequence[Source],
    out: Path,
    resources: SharedResources,
    stop: StopSignal,
    *,
    on_error: OnError = OnError.FAIL,
    on_html: OnHtml = OnHtml.REPORT,
    compression: Compression = Compression.AUTO,
    manifest: Manifest = Manifest.NONE,
    replace: bool = True,
    watch: Callable[[Progress], None] | None = None,
    interval: float = 1.0,
) -> Packed:
    """Fetch `sources` into the archive `out`, taking up what an earlier run left.

    Without `replace` a file that is at `out` by the end stays, and what was packed is kept.

    Raises UsageError where another process packs it, or where what is at `out` or beside it must
    not be written to; DiskFull, StorageFailed, ArchiveTooLarge.
    """
    part = out.with_name(f"{out.name}.part")
    journal = Journal(part.with_name(f"{part.name}.journal"))
    try:
        _check_target(out)
        found = journal.load(sources_digest(sources, manifest))
        if journal.is_foreign:
            raise _in_the_way(journal.path, "it is not the journal of an interrupted run")
        _separate(part, out)
        _check_part(part, is_ours=journal.has_begun)
        remembered = _usable(found or Remembered(), part, on_html)
        assembly = Assembly(
            sources, remembered, part, resources, compression=compression, on_html=on_html,
            manifest=manifest, title=out.stem,
        )  # fmt: skip
        try:
            if found is None or (found.done, found.open) != (remembered.done, remembered.open):
                _begin_anew(journal, part, remembered, assembly.progress())
            outcome = assemble(assembly, journal.append, stop, watch=watch, interval=interval)
            failed = assembly.ledger.failed_entries
            resumed = len(remembered.done)
            match outcome:
                case Stopped():
                    return Packed(
                        None, len(assembly.ledger.done_entries), resumed, failed, stopped=True
                    )
                case Resolved(done, lost, rest):
                    # Before the directory is written where something failed may have been.
                    journal.append(rest)
                    if lost and (on_error is OnError.FAIL or not done):
                        return Packed(None, done, resumed, failed)
            finished, size = assembly.finish()
        finally:
            assembly.close()
        _publish(finished, out, replace=replace)
        _remove_rest(part)
        journal.remove()
        return Packed(size, outcome.done, resumed, failed, warnings=_warnings(assembly))
    finally:
        journal.close()


def _warnings(assembly: Assembly) -> tuple[tuple[int, WarningCode], ...]:
    warned = sorted(assembly.ledger.done_entries.warned())
    return tuple((position, WarningCode(warning)) for position, warning in warned)


def _check_target(out: Path) -> None:
    """Raise UsageError where the archive would replace something other than a file."""
    if os.path.lexists(out) and not out.is_file():
        raise UsageError(
            f"Cannot write {out}: it is not a regular file. Choose the name of a file; to send the "
            "archive somewhere else, copy that file afterwards."
        )


def _check_part(part: Path, *, is_ours: bool) -> None:
    """Raise UsageError where the part file is another job's: it would be overwritten."""
    try:
        status = part.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise translated(error, part) from error
    if not stat.S_ISREG(status.st_mode):
        reason = "it is not a regular file"
    elif status.st_uid != os.geteuid():
        reason = "it belongs to another user"
    elif status.st_size and not is_ours:
        reason = "there is no journal beside it, so it is not from an interrupted run"
    else:
        return
    raise _in_the_way(part, reason)


def _in_the_way(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"{path} is in the way: {reason}. Move it, or choose another file name for the archive."
    )


def _usable(found: Remembered, part: Path, on_html: OnHtml) -> Remembered:
    """Return what of an earlier run is still in the file and wanted; what failed is tried again."""
    try:
        size = part.stat().st_size
    except FileNotFoundError:
        size = 0
    except OSError as error:
        raise translated(error, part) from error
    if _overlap(found):
        # Nothing true says that two files lie at one place; whatever says it, none is believed.
        return Remembered()
    done, opened = found.done, found.open
    if on_html is OnHtml.FAIL:  # the run before may have kept pages, and only reported them
        done = tuple(one for one in done if one.warning != WarningCode.HTML_PAGE)
        opened = tuple(one for one in opened if one.warning != WarningCode.HTML_PAGE)
    return usable(replace(found, done=done, open=opened, failed=()), size)


def _overlap(found: Remembered) -> bool:
    """Return whether two entries claim the same byte."""
    places = [(one.offset, entry_end(one)) for one in found.done]
    places += [(one.offset, one.offset + one.header_size + one.size) for one in found.open]
    return any(after[0] < before[1] for before, after in pairwise(sorted(places)))


def _begin_anew(journal: Journal, part: Path, kept: Remembered, progress: Progress) -> None:
    """Forget all but what is kept, for good; only then may anything be written where it was.

    Else a run that is killed soon would leave a journal whose claims the file no longer meets.
    """
    journal.restart(Checkpoint(kept.tail, progress, kept.done, kept.open))
    try:
        if part.stat().st_size > kept.tail:
            os.truncate(part, kept.tail)
    except OSError as error:
        raise translated(error, part) from error


def _separate(part: Path, out: Path) -> None:
    """Remove the archive's other name, left by a run that was killed while it published."""
    try:
        for other in (part, _closed(part)):
            if out.exists() and other.exists() and other.samefile(out):
                other.unlink()
    except OSError as error:
        raise translated(error, part) from error


def _publish(finished: Path, out: Path, *, replace: bool) -> None:
    """Put the finished file in its place so that a power cut cannot undo it."""
    try:
        durable_files.sync_file(finished)
        if replace:
            durable_files.rename(finished, out)
        else:
            durable_files.rename_new(finished, out)
    except FileExistsError as error:
        raise UsageError(
            f"{out} has been created meanwhile. Run the same command with --force to replace it; "
            "what was fetched is kept."
        ) from error
    except OSError as error:
        raise translated(error, out) from error


def _closed(part: Path) -> Path:
    """Return the name of the copy in which a run closes holes (`finish_local`)."""
    return part.with_name(f"{part.name}.closed")


def _remove_rest(part: Path) -> None:
    """Remove what the archive was made of, where it is not the archive itself.

    The second name is that of a run that was killed while it closed holes.
    """
    try:
        part.unlink(missing_ok=True)
        _closed(part).unlink(missing_ok=True)
    except OSError as error:
        raise translated(error, part) from error
