"""What is said of a job in each state."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.fakes.jobs import COMPLETED, JOB, NOW

from packmule.errors import Failure, FailureCode
from packmule.jobs.model import (
    ArchivePart,
    FileRecord,
    FileState,
    Job,
    JobState,
    Progress,
    WaitingFile,
)
from packmule.web.documents import (
    MOST_FAILURE_CHARACTERS,
    file_of,
    has_failures,
    state_now,
    status_of,
    waiting_files,
)

URL = "https://public.example/pack"
FAILED = replace(
    JOB,
    state=JobState.FAILED,
    failure=Failure(FailureCode.FILES_FAILED, "1 of 3 files could not be fetched"),
    progress=Progress(3, 2, 1),
)
DEAD = FileRecord(
    position=2,
    url="https://example.com/x?y",
    name="",
    state=FileState.FAILED,
    bytes_done=0,
    bytes_total=None,
    failure=Failure(FailureCode.HTTP_STATUS, "gone", 404, 1),
)


def document(job: Job, *failures: FileRecord) -> dict[str, Any]:
    return status_of(job, failures, URL).model_dump(mode="json")


def test_an_estimate_of_all_bytes_says_that_it_is_one() -> None:
    progress = Progress(3, 1, bytes_done=100, bytes_expected=300, bytes_per_second=50.0)
    found = document(replace(JOB, progress=progress))["progress"]
    assert found["bytes"] == {"done": 100, "total": 300}
    assert found["total_is_estimate"]
    assert found["eta_seconds"] == 4.0


def test_files_that_wait_are_listed_while_the_job_is_open() -> None:
    failure = Failure(FailureCode.DNS, "no such host", attempts=2)
    waiting = WaitingFile(1, "b.png", failure, 1_772_445_600.0)
    job = replace(JOB, progress=replace(JOB.progress, waiting=(waiting,)))
    assert document(job)["retrying"] == [
        {
            "position": 1,
            "name": "b.png",
            "code": "dns",
            "detail": "no such host",
            "attempts": 2,
            "next_attempt_at": "2026-03-02T10:00:00Z",
        }
    ]
    assert waiting_files(job) == {1: waiting}
    assert waiting_files(replace(job, state=JobState.FAILED)) == {}
    pending = replace(DEAD, state=FileState.PENDING, failure=None)
    told = file_of(pending, waiting).model_dump(mode="json")
    assert (told["next_attempt_at"], told["attempts"]) == ("2026-03-02T10:00:00Z", 2)
    assert file_of(replace(pending, state=FileState.DONE), waiting).next_attempt_at is None
    assert file_of(pending).next_attempt_at is None


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_an_open_job_is_in_progress(state: JobState) -> None:
    assert document(replace(JOB, state=state)) == {
        "status": "in-progress",
        "progress": {
            "files": {"total": 3, "done": 1, "failed": 0},
            "bytes": {"done": 100, "total": 500},
            "bytes_per_second": 50.0,
            "eta_seconds": 8.0,
            "total_is_estimate": False,
        },
        "retrying": [],
        "waiting": None,
        "finishing": False,
        "parts": None,
    }


@pytest.mark.parametrize(
    ("progress", "eta"),
    [
        (Progress(3, 1, 0, 100, None, 50.0), None),
        (Progress(3, 1, 0, 100, 500, 0.0), None),
        (Progress(3, 1, 0, 100, 500, 0.9), None),
        (Progress(3, 1, 0, 100, 500, 5e-324), None),
        (Progress(3, 1, 0, 100, 10**15, 1.0), 999999999999900.0),
        (Progress(3, 1, 0, 499, 500, 1e12), 0.0),
        (Progress(3, 3, 0, 500, 500, 50.0), None),
        (Progress(3, 1, 0, 600, 500, 50.0), None),
        (Progress(3), None),
    ],
)
def test_the_time_left_is_told_only_where_it_is_known(
    progress: Progress, eta: float | None
) -> None:
    assert document(replace(JOB, progress=progress))["progress"]["eta_seconds"] == eta


def test_a_completed_job_says_where_the_archive_is() -> None:
    found = document(COMPLETED)
    assert found["url"] == f"https://public.example/pack/archive/get/{'a' * 32}.zip"
    assert (found["status"], found["size"], found["missing"]) == ("completed", 500, [])
    assert datetime.fromisoformat(found["expires_at"]) == COMPLETED.expires_at


def test_an_archive_is_expired_from_its_moment_on() -> None:
    over = replace(COMPLETED, expires_at=NOW)
    assert state_now(over, NOW) is JobState.EXPIRED
    assert state_now(over, NOW - timedelta(microseconds=1)) is JobState.COMPLETED
    assert document(over) == {"status": "expired"}


def test_a_failed_job_whose_time_is_over_is_still_failed() -> None:
    assert state_now(replace(FAILED, expires_at=NOW), NOW) is JobState.FAILED


def test_a_failed_job_says_why_and_names_the_files() -> None:
    assert document(FAILED, DEAD) == {
        "status": "failed",
        "error": {"code": "files-failed", "detail": "1 of 3 files could not be fetched"},
        "files": {"total": 3, "done": 2, "failed": 1},
        "failures": [
            {
                "position": 2,
                "url": "https://example.com/x",
                "name": None,
                "code": "http-status",
                "detail": "gone",
                "http_status": 404,
                "attempts": 1,
            }
        ],
        "parts": None,
    }


SPLIT = replace(COMPLETED, max_part_bytes=1_000_000, etag='"x"')
PARTS = (
    ArchivePart(1, 5, 3, 300, '"x"', 2, has_report=False),
    ArchivePart(2, 6, 0, 200, '"y"', 1, has_report=True),
)


@pytest.mark.parametrize("job", [SPLIT, replace(FAILED, max_part_bytes=1_000_000)])
def test_a_split_archive_lists_its_parts(job: Job) -> None:
    found = status_of(job, (), URL, parts=PARTS).model_dump(mode="json")
    base = f"https://public.example/pack/archive/get/{'a' * 32}"
    assert found["parts"] == [
        {"url": f"{base}.zip", "size": 300, "files": 2},
        {"url": f"{base}/parts/2", "size": 200, "files": 1},
    ]


def test_a_split_archive_that_an_earlier_release_packed_whole_has_no_parts() -> None:
    whole = replace(SPLIT, etag='"of the whole"')
    for parts in (PARTS, ()):
        assert status_of(whole, (), URL, parts=parts).model_dump()["parts"] is None


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.EXPIRED])
def test_the_other_ends_say_only_what_they_are(state: JobState) -> None:
    assert document(replace(JOB, state=state)) == {"status": state.value}


def test_failures_are_looked_up_only_where_the_status_names_them() -> None:
    some = Progress(3, 2, 1)
    assert has_failures(FAILED)
    assert has_failures(replace(COMPLETED, progress=some))
    assert not has_failures(COMPLETED)
    assert not has_failures(replace(JOB, progress=some))
    assert not has_failures(replace(JOB, state=JobState.CANCELLED, progress=some))


def test_a_file_says_where_it_is() -> None:
    assert file_of(DEAD).model_dump(mode="json") == {
        "position": 2,
        "url": "https://example.com/x",
        "name": None,
        "state": "failed",
        "bytes": {"done": 0, "total": None},
        "attempts": 1,
        "failure": {
            "code": "http-status",
            "detail": "gone",
            "http_status": 404,
            "attempts": 1,
        },
        "next_attempt_at": None,
        "warning": None,
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/a?X-Signature=secret", "https://example.com/a"),
        ("https://example.com?token=a/b@c", "https://example.com"),
        ("https://ann:secret@example.com:8443/a", "https://example.com:8443/a"),
        ("https://ann:s@cret@example.com/a@b#frag", "https://example.com/a@b"),
        ("https://example.com/a//b@c", "https://example.com/a//b@c"),
    ],
)
def test_only_the_owner_sees_what_may_be_secret_in_a_link(url: str, shown: str) -> None:
    dead = replace(DEAD, url=url)
    assert document(FAILED, dead)["failures"][0]["url"] == shown
    assert file_of(dead).url == shown
    assert file_of(dead, whole_urls=True).url == url
    whole = status_of(FAILED, [dead], "https://public.example", whole_urls=True)
    assert whole.model_dump(mode="json")["failures"][0]["url"] == url


def test_the_list_of_failures_is_bounded_in_characters_too() -> None:
    long = replace(DEAD, url="https://example.com/" + "x" * 8000)
    listed = document(FAILED, *[long] * 1000)["failures"]
    assert 1 < len(listed) < 1000
    assert sum(len(each["url"]) + len(each["detail"]) for each in listed) < MOST_FAILURE_CHARACTERS


def test_a_failure_longer_than_the_bound_is_listed_alone() -> None:
    long = replace(DEAD, url="https://example.com/" + "x" * MOST_FAILURE_CHARACTERS)
    assert len(document(FAILED, long, long)["failures"]) == 1
