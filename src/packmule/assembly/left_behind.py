"""What earlier runs of a job have left: whether all is known of it, and what was uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.assembly.resuming import Stored
    from packmule.jobs.model import Run
    from packmule.storage.interface import Stream


def stored(stream: Stream | None, run: Run) -> Stored | None:
    """Ask for what the storage has of an upload that an earlier attempt has begun.

    None where a new one is to be begun: its parts are no cells (version 0.1), they are too small
    for what the archive has become, or it is closed and there is more to come.
    """
    remembered = run.remembered
    if stream is None or remembered.upload is None:
        return None
    cell = stream.cell_of(remembered.upload)
    if cell is None or remembered.tail > cell * stream.most_parts:
        return None
    found = stream.stored(remembered.upload)
    if found and not is_settled(run) and any(etag is None for _, etag in found.values()):
        return None
    return found


def is_settled(run: Run) -> bool:
    """Return whether an earlier attempt has recorded how every source ended."""
    return len(run.remembered.done) + len(run.remembered.failed) == len(run.sources)
