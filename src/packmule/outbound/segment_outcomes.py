"""What the end of a segment's transfer means for its file, its host and the metrics.

Owns that, and which files are divided. Leaves what ends a file to `outcome_handler.py`, and the
segments of one file to `segmented_fetch.py`. Runs in the transfer loop's thread.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from packmule.errors import FailureCode
from packmule.outbound.outcomes import Finished, TryFailed
from packmule.outbound.receiver import BodyRefused, SegmentFilled
from packmule.outbound.segmented_fetch import SegmentedFetch, Step
from packmule.outbound.segments import Refusal, SegmentRefused
from packmule.telemetry.metrics import SEGMENTS

if TYPE_CHECKING:
    from packmule.outbound.fetch import Fetch
    from packmule.outbound.fetch_scheduler import FetchScheduler
    from packmule.outbound.host_health import HostHealth
    from packmule.outbound.outcomes import After

_log = logging.getLogger(__name__)

_Error = TryFailed | Exception | None
_Expected = SegmentFilled | SegmentRefused | BodyRefused


class SegmentOutcomes:
    """The files that are divided, in `files` by each of the fetches that bring them."""

    def __init__(self, scheduler: FetchScheduler) -> None:
        self._scheduler = scheduler
        self.files: dict[Fetch, SegmentedFetch] = {}

    def ended(
        self, fetch: Fetch, host: HostHealth, error: _Error, after: After | None, *, answered: bool
    ) -> tuple[Fetch, TryFailed | Exception | None, After | None] | None:
        """Carry out the end of a try that brought a segment.

        Return the file's own fetch, with how its try has ended, where that is now to be carried out
        as for every file; None where nothing is left to do.
        """
        file = self.files[fetch]
        segment = file.lanes[fetch].segment
        step = file.ended(fetch, error, decided=after is not None)
        if fetch is not file.file:
            del self.files[fetch]
        if isinstance(error, Exception) and not isinstance(error, _Expected):
            _log.error("segment failed unexpectedly", exc_info=error, extra=file.queue.about)
        if step is not Step.AS_USUAL:
            _tell(host, fetch, error, is_full=segment.is_full, answered=answered)
        match step:
            case Step.NOTHING:
                return None
            case Step.WHOLE:
                return file.file, None, Finished()
            case Step.OWN_TURN:
                file.rests = False
                file.file.ask(file.file.url)
                file.queue.push(file.file, first=True)
                return None
        if isinstance(error, SegmentRefused):
            self.undivide(fetch)
            error = TryFailed(FailureCode.CHANGED, str(error))
        return fetch, error, after

    def own(self, fetch: Fetch) -> Fetch:
        """Return the own fetch of the file that a fetch brings, or brings a segment of."""
        file = self.files.get(fetch)
        return fetch if file is None else file.file

    def undivide(self, fetch: Fetch) -> None:
        """Go on with a file from its beginning, as if it had never been divided."""
        file = self.files.pop(fetch, None)
        if file is not None:
            file.keep_first()

    def undivide_if_distrusted(self, fetch: Fetch) -> None:
        """Go on undivided with a file that can no longer be asked for by ranges alone."""
        if self.files and (fetch.state.distrust_ranges or fetch.state.overlaps):
            self.undivide(fetch)

    def forget(self, fetch: Fetch) -> None:
        """Mark a file as over, whole or failed; who still brings some of it is stopped."""
        if self.files and (file := self.files.get(fetch)) is not None:
            file.is_over = True


def _tell(host: HostHealth, fetch: Fetch, error: _Error, *, is_full: bool, answered: bool) -> None:
    """Tell a segment's host, and the metrics, how its transfer has ended."""
    now = time.monotonic()
    if is_full:
        host.answered()
        SEGMENTS.inc("filled")
        return
    SEGMENTS.inc("refused" if isinstance(error, SegmentRefused) else "cut")
    if isinstance(error, SegmentRefused):
        if error.refusal is Refusal.CROWDED:
            host.turn_away(fetch.began, now, error.wait, rank=fetch.rank)
        else:
            host.serves_ranges = host.serves_ranges and error.refusal is not Refusal.MISFIT
    elif not answered:
        host.turn_away(fetch.began, now, None, rank=fetch.rank)
    elif isinstance(error, TryFailed):
        host.concurrency.falter(fetch.began, now)
