"""The page for someone who was sent the link to an archive, in each state that it can be in.

Owns what the page says. Leaves the HTML to the templates, which escape every value, and requests
and responses to `recipient_routes.py`. The page needs no JavaScript, and shows no link that the
files were fetched from. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packmule.jobs.model import JobState
from packmule.web.archived_files import media_type
from packmule.web.rendering import render, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.jobs.model import FileRecord, Job

MOST_FILES: Final = 500
"""Files that the page lists."""

MOST_PREVIEWS: Final = 60
"""Pictures and videos that the page shows."""

_ASK_AGAIN: Final = "Ask the person who sent you the link to create it again."


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file on the page: its name and size in bytes, and a link relative to the page."""

    name: str
    size: int
    link: str
    media_type: str

    @property
    def is_video(self) -> bool:
        """Whether the page shows it in a player."""
        return self.media_type.startswith("video/")


def archive_page(job: Job, files: Sequence[FileRecord]) -> str:
    """Return the page of a completed archive; `files` are the first of those that it holds."""
    title = job.name or f"{job.hash}.zip"
    packed, missing = job.progress.files_done, job.progress.files_failed
    count = f"{packed:,} file" if packed == 1 else f"{packed:,} files"
    listed = [
        ListedFile(
            file.name or "",
            file.bytes_done,
            f"../archive/get/{job.hash}/files/{file.position}",
            media_type(file.name or ""),
        )
        for file in files
    ]
    shown = [each for each in listed if each.media_type.startswith(("image/", "video/"))]
    assert job.expires_at is not None  # noqa: S101 - a completed job has one
    return render(
        "recipient_archive.html",
        title=title,
        summary=f"{count}, {size(job.size or 0)}.",
        up="../",
        hash=job.hash,
        archive={"expires_at": job.expires_at.isoformat(), "missing": missing},
        pictures=shown[:MOST_PREVIEWS],
        files=listed,
        more=packed - len(listed),
    )


def other_page(job: Job, state: JobState) -> str:
    """Return the page of a job that has no archive to download, and the reason."""
    name = job.name or "This archive"
    match state:
        case JobState.QUEUED | JobState.RUNNING:
            done, total = job.progress.files_done, job.progress.files_total
            title = f"{name} is being created"
            summary = f"{done:,} of {total:,} files so far. This page reloads by itself."
        case JobState.EXPIRED:
            title = f"{name} has been removed"
            summary = f"Archives are kept for a limited time. {_ASK_AGAIN}"
        case JobState.CANCELLED:
            title = f"{name} was cancelled"
            summary = _ASK_AGAIN
        case _:
            title = f"{name} could not be created"
            summary = (
                "Some of its files could not be fetched. Ask the person who sent you the link."
            )
    return render("recipient_page.html", title=title, summary=summary, up="../")


def unknown_page(up: str) -> str:
    """Return the page for a link that no archive has; `up` leads to the root of the site."""
    return render(
        "recipient_page.html",
        title="There is no archive at this link",
        summary="Check that the link is complete. The archive may also have been removed.",
        up=up,
    )


def problem_page(detail: str, up: str) -> str:
    """Return the page for a download that failed, with the error's own words."""
    title = "This download is not available"
    return render("recipient_page.html", title=title, summary=detail, up=up)
