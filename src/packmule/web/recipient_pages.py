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
from packmule.web.documents import download_name
from packmule.web.rendering import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.jobs.model import ArchivePart, FileRecord, Job
    from packmule.web.language import Language

MOST_FILES: Final = 500
"""Files that the page lists."""

MOST_PREVIEWS: Final = 60
"""Pictures and videos that the page shows."""


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


def archive_page(
    language: Language,
    job: Job,
    files: Sequence[FileRecord],
    parts: Sequence[ArchivePart] = (),
) -> str:
    """Return the page of a completed archive; `files` are the first of those that it holds.

    `parts` are those of a split one, of which each is downloaded by itself.
    """
    title = job.name or f"{job.hash}.zip"
    packed, missing = job.progress.files_done, job.progress.files_failed
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
        language,
        title=title,
        summary=language("recipient.summary", count=packed, size=language.size(job.size or 0)),
        up="../",
        hash=job.hash,
        archive={"expires_at": job.expires_at.isoformat(), "missing": missing},
        pictures=shown[:MOST_PREVIEWS],
        parts=[
            {
                "name": download_name(job, part.number),
                "size": part.size,
                "link": f"../archive/get/{job.hash}/parts/{part.number}",
            }
            for part in parts
        ],
        files=listed,
        more=packed - len(listed),
    )


def other_page(language: Language, job: Job, state: JobState) -> str:
    """Return the page of a job that has no archive to download, and the reason."""
    name = job.name or language("recipient.this")
    match state:
        case JobState.QUEUED | JobState.RUNNING:
            key, progress = "in-progress", job.progress
            summary = language(
                "recipient.so-far", done=progress.files_done, total=progress.files_total
            )
        case JobState.EXPIRED:
            key = "expired"
            again = language("recipient.ask-again")
            summary = f"{language('job.limited-time')} {again}"
        case JobState.CANCELLED:
            key, summary = "cancelled", language("recipient.ask-again")
        case _:
            key, summary = "failed", language("recipient.some-failed")
    return _page(language, language(f"recipient.{key}", name=name), summary, "../")


def unknown_page(language: Language, up: str) -> str:
    """Return the page for a link that no archive has; `up` leads to the root of the site."""
    return _page(language, language("view.unknown"), language("job.check-link"), up)


def problem_page(language: Language, detail: str, up: str) -> str:
    """Return the page for a download that failed, with the error's own words."""
    return _page(language, language("recipient.unavailable"), detail, up)


def _page(language: Language, title: str, summary: str, up: str) -> str:
    return render("recipient_page.html", language, title=title, summary=summary, up=up)
