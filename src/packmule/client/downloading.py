"""The download of an archive: taken up, cut, gone on with, until it is whole.

Owns when a download asks again and when it gives up. Leaves which bytes are believed to
`versions.py`, the files to `part_file.py`, the I/O to the drivers. As long as bytes come, it goes
on; without one, it bears a server that is away as long as whoever waits does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.client import reading, requests, versions
from packmule.client.errors import BadAnswer, DownloadFailed, NotCompleted, ServerUnreachable
from packmule.client.operations import TRY_AGAIN, wait
from packmule.client.part_file import PartFile, check
from packmule.client.steps import Fault, Reply, Taken, do, take_up
from packmule.client.values import Completed, Downloaded, Failed
from packmule.client.versions import Held, Leave, Take

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from packmule.client.errors import ClientError
    from packmule.client.operations import Circumstances, Steps
    from packmule.client.values import InProgress, Status

_SILENCE = 30.0
"""Seconds without a byte after which a download is cut and gone on with."""
_MOST_BEGINNINGS = 5


def download(
    around: Circumstances,
    hash_: str,
    path: str | os.PathLike[str],
    *,
    resume: bool,
    on_bytes: Callable[[int, int], None] | None,
    expected: int | None = None,
) -> Steps[Downloaded]:
    """Download an archive to `path`, which is replaced. Raises ClientError, OSError.

    `on_bytes` is told how many bytes have come, and of how many.
    """
    requests.checked(hash_)
    part = PartFile(Path(path), hash_)
    try:
        yield from do(lambda: part.open(resume=resume))
        one = _Download(around, hash_, part, expected, on_bytes)
        yield from one.steps()
        yield from do(part.finish)
        return Downloaded(part.held.offset, part.kept, one.etag)
    finally:
        part.close()


def fetch(
    around: Circumstances,
    hash_: str,
    path: str | os.PathLike[str],
    *,
    resume: bool,
    timeout: float | None,
    on_progress: Callable[[InProgress], None] | None,
    on_bytes: Callable[[int, int], None] | None,
) -> Steps[Downloaded]:
    """Wait until a job is completed, then download. Raises NotCompleted, ClientError, OSError."""
    yield from do(lambda: check(Path(path)))
    found = yield from wait(around, hash_, timeout, on_progress)
    if not isinstance(found, Completed):
        raise NotCompleted(_sentence(found), found)
    done = yield from download(
        around, hash_, path, resume=resume, on_bytes=on_bytes, expected=found.size
    )
    return replace(done, missing=found.missing)


def _sentence(found: Status) -> str:
    if isinstance(found, Failed):
        return f"There is no archive: {found.detail} [{found.code}]"
    return f"There is no archive: it is {found.status}."


class _Download:
    """One download and its troubles."""

    def __init__(
        self,
        around: Circumstances,
        hash_: str,
        part: PartFile,
        expected: int | None,
        on_bytes: Callable[[int, int], None] | None,
    ) -> None:
        self._around = around
        self._hash = hash_
        self._part = part
        self._expected = expected
        self._on_bytes = on_bytes
        # Who has just been told of the archive knows that the server is there.
        self._patience = around.patience(around.asking if expected is None else around.waiting)
        self._beginnings = 0
        self._anew = False
        self._left: str | None = None

    @property
    def etag(self) -> str | None:
        """The tag of the version that came."""
        version = self._part.held.version
        return None if version is None else version.etag

    def steps(self) -> Steps[None]:
        """Ask until all has come."""
        while not self._part.held.is_whole:
            headers = versions.headers(Held() if self._anew else self._part.held)
            request = requests.download(self._hash, headers, timeout=_SILENCE)
            outcome = yield from take_up(request, self._begin, self._tell)
            yield from do(self._part.pause)
            if self._part.held.is_whole:
                return
            error = self._weigh(outcome)
            pause = self._patience.pause(getattr(error, "retry_after", None))
            if pause is None:
                raise error
            yield self._around.told(str(error), pause)

    def _begin(self, head: Reply) -> Callable[[bytes], bool] | None:
        """Decide on a body by its head, and give what takes it up."""
        self._left = None
        match versions.weigh(Held() if self._anew else self._part.held, head, self._expected):
            case Leave(reason):
                self._left = reason
                # A part that is not the one asked for would not be so the next time either.
                self._anew = self._anew or head.status == HTTPStatus.PARTIAL_CONTENT
                return None
            case Take() as take:
                self._beginnings += take.at == 0
                if self._beginnings > _MOST_BEGINNINGS:
                    self._left = "it had to be begun anew again and again"
                    return None
                self._part.begin(take)
                self._anew = False
                return self._write

    def _write(self, piece: bytes) -> bool:
        fits = self._part.write(piece)
        if piece:
            self._patience.reset()
            self._patience.bears = self._around.waiting
        if not fits:
            self._left = "more came than the archive has"
            self._part.forget()
        return fits

    def _tell(self) -> None:
        held = self._part.held
        if self._on_bytes is not None and held.version is not None:
            self._on_bytes(held.offset, held.version.size)

    def _weigh(self, outcome: Reply | Taken | Fault) -> ClientError:
        """Give the error that may be gone at the next try; raise the one that will not."""
        if self._beginnings > _MOST_BEGINNINGS:
            raise DownloadFailed(
                f"The archive was begun anew {_MOST_BEGINNINGS} times: it changes meanwhile, or "
                "the way to the server cuts it and does not let it be gone on with."
            )
        match outcome:
            case Reply(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
                self._anew = True
                return BadAnswer("The archive is shorter than what has come of it.")
            case Reply():
                error = reading.refusal(outcome, datetime.now(UTC))
                if outcome.status not in TRY_AGAIN:
                    raise error
                return error
            case _ if self._left is not None:
                return BadAnswer(f"What came is not the archive: {self._left}.")
            case Fault(detail) | Taken(fault=Fault(detail)):
                return ServerUnreachable(f"The download was cut: {detail}.")
            case _:
                return ServerUnreachable("The download was cut: it ended early.")
