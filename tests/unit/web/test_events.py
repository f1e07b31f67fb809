"""Events: progress, then the end; nothing is told twice, and a slow reader costs no memory."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.jobs import begun, in_state
from tests.unit.web.following import Reader, completing, follow, moving, nothing

from packmule.jobs.model import JobState
from packmule.web import event_feed, events
from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.app import create_app
from packmule.web.bounds import RequestBounds
from packmule.web.client_shares import share_of
from packmule.web.problems import ProblemCode
from packmule.web.services import Access

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.web.conftest import App


def test_progress_is_told_as_it_comes_and_then_the_end(app: App) -> None:
    run = begun(app.services.store)
    reader = follow(app, run.job.hash, nothing, moving(app, run), completing(app, run))
    assert reader.names() == ["progress", "progress", "completed"]
    ids = [number for number, _, _ in reader.events()]
    assert ids == sorted(set(ids))
    assert ids[-1] == app.services.store.get(run.job.hash).version
    status = app.ask("GET", f"/api/archive/status/{run.job.hash}").json()
    assert reader.events()[-1][2] == status


def test_the_stream_is_for_no_cache_and_no_buffer_and_says_when_to_come_again(app: App) -> None:
    reader = follow(app, in_state(app.services.store, JobState.COMPLETED))
    assert reader.headers["content-type"].startswith("text/event-stream")
    assert reader.headers["cache-control"] == "no-store"
    assert reader.headers["x-accel-buffering"] == "no"
    assert "content-length" not in reader.headers
    assert reader.pieces[0].startswith("retry: ")


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled", "expired"])
def test_of_a_job_that_has_ended_the_end_is_told_at_once(app: App, state: str) -> None:
    assert follow(app, in_state(app.services.store, JobState(state))).names() == [state]


def test_what_was_told_is_not_told_again(app: App) -> None:
    run = begun(app.services.store)
    told = app.services.store.get(run.job.hash).version
    reader = follow(app, run.job.hash, completing(app, run), last=told)
    assert reader.names() == ["completed"]


def test_who_comes_again_after_the_end_is_told_it(app: App) -> None:
    run = begun(app.services.store)
    told = app.services.store.get(run.job.hash).version
    completing(app, run)()
    assert follow(app, run.job.hash, last=told).names() == ["completed"]


def test_who_was_told_the_end_is_told_to_ask_no_more(app: App) -> None:
    hash_ = in_state(app.services.store, JobState.FAILED)
    reader = follow(app, hash_, last=app.services.store.get(hash_).version)
    assert (reader.status, reader.pieces) == (204, [])


@pytest.mark.parametrize("last", ["", "x", "-1", "٣", "1" * 40, "999999", "1.5", "1-", "-1-1"])
def test_an_id_that_was_never_given_tells_nothing(app: App, last: str) -> None:
    hash_ = in_state(app.services.store, JobState.CANCELLED)
    assert follow(app, hash_, last=last).names() == ["cancelled"]


def test_after_a_retry_the_job_can_be_followed_again(app: App) -> None:
    hash_ = in_state(app.services.store, JobState.FAILED)
    told = app.services.store.get(hash_).version
    app.services.store.retry(hash_, defer=lambda *_: None)
    reader = follow(app, hash_, nothing, lambda: app.services.store.cancel(hash_), last=told)
    assert reader.names() == ["progress", "cancelled"]


def test_the_hash_alone_opens_it_and_no_other(app: App) -> None:
    app.change(access=Access(keys=Keyring(parse_keys("ann:" + "k" * 43))))
    assert follow(app, in_state(app.services.store, JobState.FAILED)).names() == ["failed"]
    assert follow(app, "0" * 32).status == 404
    assert follow(app, "nonsense").status == 404


def test_more_streams_than_may_be_are_refused(app: App) -> None:
    app.change(bounds=RequestBounds(event_streams=0))
    hash_ = begun(app.services.store).job.hash
    answer = app.ask("GET", f"/api/archive/events/{hash_}")
    assert answer.status_code == 503
    assert answer.json()["code"] == ProblemCode.OVERLOADED
    assert "retry-after" in answer.headers


def test_a_client_has_its_share_of_the_streams(app: App) -> None:
    hash_ = begun(app.services.store).job.hash
    with ExitStack() as streams:
        for _ in range(share_of(app.services.bounds.event_streams)):
            streams.enter_context(app.services.stream_shares.one("address:192.0.2.1"))
        path = f"/api/archive/events/{hash_}"
        answer = app.ask("GET", path, peer="192.0.2.1")
        assert answer.status_code == 429
        assert answer.json()["code"] == ProblemCode.CONCURRENCY_LIMITED
        assert answer.headers["retry-after"] == "5"
        # Another one follows it.
        app.services.store.cancel(hash_)
        assert app.ask("GET", path, peer="192.0.2.2").status_code == 200
    assert app.ask("GET", path, peer="192.0.2.1").status_code == 200
    assert repr(app.services.stream_shares) == "<ClientShares: 0 event streams of 0 clients>"


def test_a_stream_ends_when_the_process_does(app: App) -> None:
    ending = Event()
    app.change(draining=ending.is_set)
    reader = follow(app, begun(app.services.store).job.hash, nothing, ending.set)
    assert reader.names() == ["progress"]
    assert app.services.changes.streams == 0


def test_a_stream_ends_when_its_reader_hangs_up(app: App) -> None:
    async def run() -> None:
        reader = Reader(app, begun(app.services.store).job.hash)
        loop = asyncio.get_running_loop()
        reader.then = [nothing, lambda: loop.call_soon_threadsafe(reader.hangs_up.set)]
        await reader.read()

    asyncio.run(run())
    assert app.services.changes.streams == 0


def test_a_silent_job_is_followed_by_comments(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_KEEP_ALIVE", 0.02)
    run = begun(app.services.store)
    reader = follow(app, run.job.hash, nothing, nothing, nothing, completing(app, run))
    assert reader.names() == ["progress", "completed"]
    assert [piece for piece in reader.pieces if piece.startswith(":")]


def test_a_slow_reader_misses_what_is_no_longer_so(app: App) -> None:
    run = begun(app.services.store)

    def much() -> None:
        for _ in range(30):
            moving(app, run)()
        completing(app, run)()

    assert follow(app, run.job.hash, nothing, much).names() == ["progress", "completed"]


def test_a_reader_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_LONGEST_SEND", 0.05)
    hangs = asyncio.Event()

    async def send(_message: object) -> None:
        await hangs.wait()

    assert asyncio.run(events._sent(send, b"data")) is False


def test_all_who_follow_a_job_share_what_is_read(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    store = app.services.store
    run = begun(store)
    questions: list[list[str]] = []
    reads: list[str] = []
    versions, event = store.find_versions, event_feed._status_event

    def find_versions(hashes: Sequence[str]) -> Any:
        questions.append(list(hashes))
        return versions(hashes)

    def event_of(services: Any, hash_: str, whole_urls: Any) -> Any:
        reads.append(hash_)
        return event(services, hash_, whole_urls)

    monkeypatch.setattr(store, "find_versions", find_versions)
    monkeypatch.setattr(event_feed, "_status_event", event_of)

    async def follow_all() -> list[Reader]:
        application = create_app(app.services)
        readers = [Reader(app, run.job.hash) for _ in range(20)]
        tasks = [asyncio.create_task(each.read(application)) for each in readers]
        while not all(each.names() for each in readers):  # noqa: ASYNC110 - as they come
            await asyncio.sleep(0.01)
        begun_with = len(reads)
        await asyncio.to_thread(completing(app, run))
        await asyncio.gather(*tasks)
        assert len(reads) == begun_with + 1
        return readers

    readers = asyncio.run(follow_all())
    assert all(each.names()[-1] == "completed" for each in readers)
    assert all(question == [run.job.hash] for question in questions)
