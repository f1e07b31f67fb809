"""Events of files: each that changes is told as it is, in pieces, and gone on with after a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.jobs import (
    PUBLISHED,
    begun,
    checkpoint,
    done,
    failed,
    in_state,
    no_defer,
    opened,
)
from tests.unit.web.following import Reader, completing, follow, nothing
from tests.unit.web.test_large_jobs import noted, plans

from packmule.jobs.model import Checkpoint, JobState, Progress
from packmule.web import event_feed
from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.services import Access

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.web.conftest import App

    from packmule.jobs.model import Run

ANN, BOB = "a" * 43, "b" * 43


def files_of(reader: Reader) -> list[list[tuple[int, str]]]:
    """Give position and state of each file, an event a list."""
    return [
        [(each["position"], each["state"]) for each in data["files"]]
        for _, name, data in reader.told()
        if name == "files"
    ]


def told_files(reader: Reader) -> list[tuple[int, str]]:
    return [one for event in files_of(reader) for one in event]


def noting(app: App, run: Run, *entries: Any) -> Callable[[], object]:
    """Record a checkpoint of these entries."""
    return lambda: app.services.store.checkpoint(run.fence, checkpoint(*entries))


def follow_files(app: App, hash_: str, *then: Callable[[], object], last: object = None) -> Reader:
    return follow(app, hash_, *then, last=last, query="files=true")


def test_each_change_of_a_file_is_told_before_the_progress_it_belongs_to(app: App) -> None:
    run = begun(app.services.store)
    noting(app, run, opened(1, 700))()
    reader = follow_files(
        app,
        run.job.hash,
        nothing,
        nothing,
        noting(app, run, done(0), opened(1, 900)),
        nothing,
        noting(app, run, failed(2)),
        nothing,
        lambda: app.services.store.complete(run.fence, PUBLISHED, checkpoint(done(1, "b.jpg"))),
    )
    assert reader.names() == ["files", "progress"] * 3 + ["files", "completed"]
    assert files_of(reader) == [
        [(1, "open")],
        [(0, "done"), (1, "open")],
        [(2, "failed")],
        [(1, "done")],
    ]
    bytes_of = [data["files"][-1]["bytes"]["done"] for _, name, data in reader.told()[:3:2]]
    assert bytes_of == [700, 900]


def test_who_does_not_ask_for_files_is_told_of_none(app: App) -> None:
    run = begun(app.services.store)
    noting(app, run, done(0))()
    assert follow(app, run.job.hash, nothing, completing(app, run)).names() == [
        "progress",
        "completed",
    ]


def test_a_file_is_told_as_the_list_of_files_has_it(app: App) -> None:
    hash_ = in_state(app.services.store, JobState.FAILED)
    listed = app.ask("GET", f"/api/archive/files/{hash_}").json()["files"]
    (files, _), (_, end) = [(data, name) for _, name, data in follow_files(app, hash_).told()]
    assert files == {"files": listed}
    assert end == "failed"


def test_many_files_come_in_pieces_and_what_was_told_is_not_told_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "MOST_FILES", 3)
    run = begun(app.services.store, files=10)
    noting(app, run, *(done(n, f"{n}.jpg") for n in range(7)))()
    completing(app, run)()
    hash_ = run.job.hash
    whole = follow_files(app, hash_)
    assert [len(event) for event in files_of(whole)] == [3, 3, 1]
    assert sorted(told_files(whole)) == [(n, "done") for n in range(7)]
    for at, (number, _, _) in enumerate(whole.told()[:-1]):
        rest = follow_files(app, hash_, last=number)
        assert rest.told() == whole.told()[at + 1 :]
    assert follow_files(app, hash_, last=whole.told()[-1][0]).status == 204


def test_a_file_that_changes_often_while_nobody_reads_is_told_once(app: App) -> None:
    run = begun(app.services.store)

    def much() -> None:
        for written in range(100, 3_000, 100):
            noting(app, run, opened(1, written))()
        completing(app, run)()

    reader = follow_files(app, run.job.hash, nothing, much)
    assert told_files(reader) == [(1, "open"), (0, "done")]


def test_a_file_that_is_tried_again_is_told(app: App) -> None:
    hash_ = in_state(app.services.store, JobState.FAILED)
    last = app.services.store.get(hash_).version
    app.services.store.retry(hash_, defer=no_defer)
    cancel = lambda: app.services.store.cancel(hash_)  # noqa: E731
    reader = follow_files(app, hash_, nothing, nothing, cancel, last=last)
    assert told_files(reader) == [(2, "pending")]
    assert reader.names() == ["files", "progress", "cancelled"]


def test_files_need_the_key_of_the_job_s_client(app: App) -> None:
    app.change(access=Access(keys=Keyring(parse_keys(f"ann:{ANN},bob:{BOB}"))))
    run = begun(app.services.store, client="ann")
    noting(app, run, done(0))()
    completing(app, run)()

    def status(key: str | None, query: str = "files=true") -> int:
        return follow(app, run.job.hash, query=query, key=key).status

    assert [status(key) for key in (ANN, BOB, "nonsense", None)] == [200, 403, 401, 401]
    assert status(None, query="") == 200


@pytest.mark.parametrize("last", ["1-2", "2-99999999999", "3-0-1"])
def test_an_id_of_files_that_was_never_given_costs_no_file(app: App, last: str) -> None:
    run = begun(app.services.store)
    noting(app, run, done(0))()
    completing(app, run)()
    assert told_files(follow_files(app, run.job.hash, last=last)) == [(0, "done")]


def test_of_a_hundred_thousand_files_only_those_that_changed_are_read(app: App) -> None:
    store = app.services.store
    many = 100_000
    run = begun(store, files=many)
    entries = tuple(done(n, f"{n}.jpg") for n in range(many - 1))
    store.checkpoint(run.fence, Checkpoint(7, Progress(many, many - 1), entries))
    before = store.get(run.job.hash).version
    completing(app, run)()
    with noted(store._engine) as statements:
        reader = follow_files(app, run.job.hash, last=before)
    assert told_files(reader) == [(0, "done")]
    (step,) = plans(store._engine, [each for each in statements if "files.version <=" in each[0]])
    assert "INDEX files_changed (job_id=? AND (version,position)>(?,?)" in step
