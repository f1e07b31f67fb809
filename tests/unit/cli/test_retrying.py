"""What is told on a terminal of a file that waits for its next try."""

from __future__ import annotations

import pytest

from packmule.cli.progress import retry
from packmule.cli.status_output import as_text
from packmule.client import InProgress
from packmule.client.values import JobProgress
from packmule.errors import Failure, FailureCode
from packmule.jobs.model import Progress, WaitingFile


def waiting(attempts: int, at: float = 104.0) -> WaitingFile:
    failure = Failure(FailureCode.DNS, "host not found", attempts=attempts)
    return WaitingFile(0, None, failure, at)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(), ""),
        (Progress(waiting=(waiting(2), waiting(5))), ", retry 3 of 8 in 4 s: host not found"),
        (Progress(waiting=(waiting(7),)), ", retry 8 of 8 in 4 s: host not found"),
        (Progress(waiting=(waiting(8),)), ", retry in 4 s: host not found"),
        (Progress(waiting=(waiting(2, 90.0),)), ", retry 3 of 8 in 0 s: host not found"),
        (Progress(waiting=(waiting(2),), bytes_per_second=1000.0), ""),
    ],
)
def test_pack_tells_the_next_retry_while_nothing_arrives(progress: Progress, words: str) -> None:
    assert retry(progress, 100.0, 8) == words


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (0, None),
        (1, "retrying at 2026-03-02T10:00:00Z: no such host"),
        (3, "retrying at 2026-03-02T10:00:00Z: no such host (and 2 more files)"),
    ],
)
def test_a_status_tells_the_next_retry(files: int, line: str | None) -> None:
    file = {"detail": "no such host", "next_attempt_at": "2026-03-02T10:00:00Z"}
    status = InProgress(JobProgress(3, 0, 0, 0, None, 0.0, None), {"retrying": [file] * files})
    lines = as_text(status).splitlines()
    assert lines[1:] == ([] if line is None else [line])
