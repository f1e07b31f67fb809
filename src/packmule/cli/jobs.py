"""`packmule jobs`: list, inspect, cancel, retry and finish jobs while the service is running.

Owns the commands and their output. Uses the database from the settings, as `serve` does; the
changes are those of `wiring.operator`. A link is shown without its query.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from packmule import settings as settings_module
from packmule.cli import output_options
from packmule.cli.archive_hash import ArchiveHash, HashBeginning
from packmule.cli.display_url import display_url
from packmule.cli.durations import Duration
from packmule.cli.tables import instant
from packmule.errors import UsageError
from packmule.jobs.model import JobState, OnError
from packmule.telemetry.trace_ids import ids_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.jobs.model import FileRecord, Job
    from packmule.wiring.stores import Stores

_COLUMNS = ("hash", "state", "created_at", "client", "files", "bytes", "failure", "name")
_FAILURES_SHOWN = 50


@click.group()
def jobs() -> None:
    """List, inspect, cancel, retry and finish jobs. The service may be running."""


@jobs.command("list")
@click.option("--state", type=click.Choice([state.value for state in JobState]))
@click.option("--client", help="Only jobs of this client, as named in the list.")
@click.option("--newer", type=Duration(), help="Only jobs created in the last 2h (or 7d, ...).")
@click.option("--older", type=Duration(), help="Only jobs created more than 7d (or 2h, ...) ago.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option(
    "--before", type=ArchiveHash(), help="Continue after this job, the last one of a page."
)
@output_options.json_lines
def list_(
    *,
    state: str | None,
    client: str | None,
    newer: float | None,
    older: float | None,
    limit: int,
    before: str | None,
    as_json: bool,
) -> None:
    """List jobs, newest first."""
    from packmule.cli.tables import show_rows  # noqa: PLC0415

    now = time.time()
    with _stores() as stores:
        found = stores.jobs.newest(
            state=None if state is None else JobState(state),
            client=client,
            after=0.0 if newer is None else now - newer,
            until=now if older is None else now - older,
            before=None if before is None else stores.jobs.get(before).id,
            limit=limit,
        )
    show_rows([_row(job) for job in found], _COLUMNS, as_json=as_json)
    if not as_json and len(found) == limit:
        click.echo(f"More: --before {found[-1].hash}", err=True)


@jobs.command()
@click.argument("hash_", type=HashBeginning(), metavar="HASH")
@output_options.json_lines
def show(hash_: str, *, as_json: bool) -> None:
    """Show everything about one job: attempts, tasks, failed files and the reasons.

    HASH is the hash of the archive, or its first 8 digits, as in the log.
    """
    from packmule.cli.tables import show_fields, show_rows  # noqa: PLC0415

    with _stores() as stores:
        job = stores.jobs.get(stores.jobs.find_hash(hash_))
        failures = [_failure(each) for each in stores.jobs.failures(job.id, _FAILURES_SHOWN)]
        tasks = [
            {
                "task": task.kind,
                "due_in_seconds": round(task.due_in, 1),
                "tries": task.tries,
                "in_work": task.in_work,
            }
            for task in stores.engine.to_do(job.hash)
        ]
    fields = _row(job)
    if as_json:
        show_rows([{**fields, "tasks": tasks, "failures": failures}], (), as_json=True)
        return
    show_fields(fields)
    for title, rows in (("tasks", tasks), ("failed files", failures)):
        if rows:
            click.echo(f"\n{title}")
            show_rows(rows, list(rows[0]), as_json=False)
    if len(failures) == _FAILURES_SHOWN:
        click.echo("More: GET /api/archive/files/HASH?state=failed", err=True)


@jobs.command()
@click.argument("hash_", type=HashBeginning(), metavar="HASH")
def cancel(hash_: str) -> None:
    """Cancel a queued or running job."""
    from packmule.wiring import operator  # noqa: PLC0415

    settings = settings_module.read(os.environ)
    with _stores() as stores:
        job = operator.cancel(settings, stores, stores.jobs.find_hash(hash_))
        click.echo(f"{job.hash} is {job.state.value}")


@jobs.command()
@click.argument("hash_", type=HashBeginning(), metavar="HASH")
@click.option(
    "--on-error", type=click.Choice([each.value for each in OnError]),
    help="skip: leave out the files that fail again.  [default: as the job was created]",
)  # fmt: skip
def retry(hash_: str, on_error: str | None) -> None:
    """Retry a failed job. It keeps the files it has."""
    from packmule.wiring import operator  # noqa: PLC0415

    wanted = None if on_error is None else OnError(on_error)
    settings = settings_module.read(os.environ)
    with _stores() as stores:
        job = operator.retry(settings, stores, stores.jobs.find_hash(hash_), wanted)
        click.echo(f"{job.hash} is {job.state.value}")


@jobs.command()
@click.argument("hash_", type=HashBeginning(), metavar="HASH")
def finish(hash_: str) -> None:
    """Complete a job now, with the files that are packed."""
    from packmule.wiring import operator  # noqa: PLC0415

    settings = settings_module.read(os.environ)
    with _stores() as stores:
        job = operator.finish(settings, stores, stores.jobs.find_hash(hash_))
        click.echo(f"{job.hash} is {job.state.value}")


@contextmanager
def _stores() -> Iterator[Stores]:
    from packmule.errors import NotAllowedInState, NotFound  # noqa: PLC0415
    from packmule.wiring.operator import open_for_operator  # noqa: PLC0415

    try:
        with open_for_operator(settings_module.read(os.environ)) as stores:
            yield stores
    except (NotFound, NotAllowedInState) as error:
        raise UsageError(str(error)) from error


def _row(job: Job) -> dict[str, Any]:
    """Return the fields of a job that the operator sees."""
    progress, failure = job.progress, job.failure
    return {
        "hash": job.hash,
        "state": job.state.value,
        "client": job.client or "-",
        "name": job.name,
        "created_at": instant(job.created_at),
        "started_at": instant(job.started_at),
        "finished_at": instant(job.finished_at),
        "expires_at": instant(job.expires_at),
        "attempt": job.attempt,
        "priority": job.priority,
        "on_error": job.on_error.value,
        "files": f"{progress.files_done}/{progress.files_total}",
        "files_failed": progress.files_failed,
        "bytes": progress.bytes_done if job.size is None else job.size,
        "failure": None if failure is None else failure.code.value,
        "trace": f"{ids_of(job.hash).trace:032x}",
        "waits_for_storage": None if job.storage_wait is None else job.storage_wait.reason,
        "failure_detail": None if failure is None else failure.detail,
    }


def _failure(record: FileRecord) -> dict[str, Any]:
    failure = record.failure
    return {
        "file": record.position,
        "link": display_url(record.url),
        "code": None if failure is None else failure.code.value,
        "http_status": None if failure is None else failure.http_status,
        "attempts": None if failure is None else failure.attempts,
        "detail": None if failure is None else failure.detail,
    }
