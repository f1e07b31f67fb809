"""Fetch: wait for a job, then download its archive, or every part of it.

Owns what the parts of a split archive are called, and that a later run downloads only those that
are not whole yet. One download is that of `downloading.py`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from packmule.client.downloading import download
from packmule.client.errors import NotCompleted
from packmule.client.operations import wait
from packmule.client.part_file import PartFile, check
from packmule.client.requests import Target
from packmule.client.steps import run_blocking
from packmule.client.values import Completed, Downloaded, Failed

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from packmule.client.operations import CallContext, Steps
    from packmule.client.values import InProgress, SplitPart, Status

    OnBytes = Callable[[int, int], None]


def fetch(
    context: CallContext,
    hash_: str,
    path: str | os.PathLike[str],
    *,
    file: int | str | None = None,
    resume: bool,
    replace: bool,
    timeout: float | None,
    connections: int,
    on_progress: Callable[[InProgress], None] | None,
    on_bytes: OnBytes | None,
) -> Steps[Downloaded]:
    """Wait until a job is completed, then download. Raises NotCompleted, ClientError, OSError.

    If the archive was split into several parts, all are downloaded: to `a-1.zip`, `a-2.zip` and so
    on if `path` is `a.zip`.

    Of a single file, neither what is missing in the archive nor its warnings are reported.
    """
    yield from run_blocking(lambda: check(Path(path), replace=replace))
    found = yield from wait(context, hash_, timeout, on_progress)
    if not isinstance(found, Completed):
        raise NotCompleted(_no_archive(found), found)
    if file is None and len(found.parts) > 1:
        done = yield from _all_parts(
            context, hash_, Path(path), found.parts, resume=resume, replace=replace,
            connections=connections, on_bytes=on_bytes,
        )  # fmt: skip
    else:
        done = yield from download(
            context, hash_, path, file=file, resume=resume, replace=replace,
            connections=connections, on_bytes=on_bytes,
            expected=found.size if file is None else None,
        )  # fmt: skip
    if file is not None:
        return done
    return dataclasses.replace(done, missing=found.missing, warnings=found.warnings)


def _no_archive(found: Status) -> str:
    if isinstance(found, Failed):
        return f"The job failed, so there is no archive: {found.detail} [{found.code}]"
    return f"There is no archive: the job is {found.status}."


def part_path(path: Path, number: int) -> Path:
    """Return where a part is saved: its number comes before the extension, as on the server."""
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _all_parts(
    context: CallContext,
    hash_: str,
    path: Path,
    parts: Sequence[SplitPart],
    *,
    resume: bool,
    replace: bool,
    connections: int,
    on_bytes: OnBytes | None,
) -> Steps[Downloaded]:
    """Download the parts one after another, except those that an earlier run has finished.

    The record of each stays until all are whole: by it a later run knows what it need not ask for.
    """
    files = [
        PartFile(part_path(path, number), Target(hash_, part=number).key, replace=replace)
        for number in range(1, len(parts) + 1)
    ]

    def finished() -> list[bool]:
        """Say which are there, and refuse before the first byte what would be in the way."""
        found = [
            resume and file.is_finished(part.size) for file, part in zip(files, parts, strict=True)
        ]
        for file, is_there in zip(files, found, strict=True):
            if not is_there:
                check(file.path, replace=replace)
        return found

    there = yield from run_blocking(finished)
    total = sum(part.size for part in parts)
    before = kept = 0
    for number, (file, part, is_there) in enumerate(zip(files, parts, there, strict=True), 1):
        if is_there:
            kept += part.size
        else:
            done = yield from download(
                context, hash_, file.path, part=number, resume=resume, replace=replace,
                connections=connections, on_bytes=_of_all(on_bytes, before, total),
                expected=part.size, keep_record=True,
            )  # fmt: skip
            kept += done.kept
        before += part.size

    def drop_records() -> None:
        for file in files:
            file.drop_record()

    yield from run_blocking(drop_records)
    return Downloaded(total, kept, None, paths=tuple(file.path for file in files))


def _of_all(on_bytes: OnBytes | None, before: int, total: int) -> OnBytes | None:
    """Return what reports the bytes of one part as those of all parts."""
    if on_bytes is None:
        return None
    return lambda received, _: on_bytes(before + received, total)
