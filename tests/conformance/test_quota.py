"""The quota: who has as much as it may gets no more, also where many ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import (
    FAILURE,
    PROGRESS,
    PUBLISHED,
    RETENTION,
    begun,
    checkpoint,
    done,
    no_defer,
    request,
)

from packmule.errors import NotAllowedInState, NotFound, QuotaExceeded
from packmule.jobs.model import Checkpoint, JobState
from packmule.jobs.quota import Quota

if TYPE_CHECKING:
    from tests.fakes.clock import FakeClock

    from packmule.jobs.store import JobStore

KB = 1000


def create(store: JobStore, limit: Quota, client: str = "ann", **fields: object) -> str:
    return store.create(request(1, client=client, **fields), defer=no_defer, limit=limit)


def has_place(store: JobStore, limit: Quota, client: str = "ann") -> bool:
    """Tell whether one more job is accepted, and give its place back."""
    try:
        store.delete(create(store, limit, client))
    except QuotaExceeded:
        return False
    return True


def under_way(store: JobStore, tail: int, total: int | None) -> str:
    """Make a job of ann's whose archive is so long so far, of so many bytes in all."""
    run = begun(store, files=1, client="ann")
    progress = replace(PROGRESS, bytes_done=tail, bytes_total=total)
    store.checkpoint(run.fence, Checkpoint(tail, progress))
    return run.job.hash


def test_a_client_may_have_so_many_jobs_open_and_no_more(store: JobStore) -> None:
    limit = Quota(jobs=3)
    for _ in range(3):
        create(store, limit)
    with pytest.raises(QuotaExceeded, match="3 jobs open, and 3 may be") as refused:
        create(store, limit)
    assert refused.value.retry_after == 30
    assert store.open_jobs("ann") == 3
    assert has_place(store, limit, "bob")


def test_a_refused_job_leaves_nothing_behind(store: JobStore) -> None:
    deferred: list[str] = []
    for _ in range(3):
        try:
            store.create(
                request(client="ann", idempotency_key=f"k{len(deferred)}"),
                defer=lambda _connection, hash_: deferred.append(hash_),
                limit=Quota(jobs=1),
            )
        except QuotaExceeded:
            continue
    assert len(deferred) == 1
    assert store.open_jobs("ann") == 1


@pytest.mark.parametrize("end", ["complete", "fail", "cancel", "delete"])
def test_a_job_that_has_ended_gives_its_place_back(store: JobStore, end: str) -> None:
    limit = Quota(jobs=1)
    hash_ = create(store, limit)
    run = store.begin(hash_)
    assert run is not None
    assert not has_place(store, limit)
    match end:
        case "complete":
            store.complete(run.fence, PUBLISHED, checkpoint(done()))
        case "fail":
            store.fail(run.fence, FAILURE)
        case "cancel":
            store.cancel(hash_)
        case _:
            store.delete(hash_)
    assert has_place(store, limit)


@pytest.mark.parametrize("places", [1, 5])
def test_of_many_who_race_for_the_last_places_as_many_get_in_as_there_are(
    store: JobStore, places: int
) -> None:
    limit = Quota(jobs=places, held_bytes=10 * KB)

    def attempt(_: int) -> bool:
        try:
            create(store, limit)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        got = list(pool.map(attempt, range(24)))
    assert got.count(True) == places == store.open_jobs("ann")


def test_one_key_raced_for_is_one_job_also_with_one_place_left(store: JobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        hashes = set(
            pool.map(lambda _: create(store, Quota(jobs=1), idempotency_key="k"), range(16))
        )
    assert len(hashes) == 1


def test_a_retry_needs_a_place_and_stays_failed_without_one(store: JobStore) -> None:
    limit = Quota(jobs=1)
    run = begun(store, client="ann")
    store.fail(run.fence, FAILURE)
    other = create(store, limit)
    with pytest.raises(QuotaExceeded):
        store.retry(run.job.hash, defer=no_defer, limit=limit)
    assert store.get(run.job.hash).state is JobState.FAILED
    store.cancel(other)
    assert store.retry(run.job.hash, defer=no_defer, limit=limit).state is JobState.QUEUED


def test_a_retry_that_the_state_forbids_is_told_so_whatever_the_quota(store: JobStore) -> None:
    hash_ = create(store, Quota(jobs=1))
    with pytest.raises(NotAllowedInState):
        store.retry(hash_, defer=no_defer, limit=Quota(jobs=1))
    with pytest.raises(NotFound):
        store.retry("0" * 32, defer=no_defer, limit=Quota(jobs=1))


def test_the_operators_own_retry_asks_for_no_place(store: JobStore) -> None:
    run = begun(store, client="ann")
    store.fail(run.fence, FAILURE)
    create(store, Quota(jobs=1))
    assert store.retry(run.job.hash, defer=no_defer).state is JobState.QUEUED


@pytest.mark.parametrize(
    ("tail", "total", "held"), [(4 * KB, None, 4 * KB), (4 * KB, 9 * KB, 9 * KB), (5, 4, 5)]
)
def test_a_job_under_way_holds_what_is_known_of_it_so_far(
    store: JobStore, tail: int, total: int | None, held: int
) -> None:
    under_way(store, tail, total)
    assert has_place(store, Quota(held_bytes=held + 1))
    assert not has_place(store, Quota(held_bytes=held))
    assert has_place(store, Quota(held_bytes=held), "bob")


def test_a_failed_job_holds_what_it_keeps_and_a_cancelled_one_nothing(store: JobStore) -> None:
    hash_ = under_way(store, 4 * KB, None)
    run = store.begin(hash_)
    assert run is not None
    store.fail(run.fence, FAILURE)
    assert not has_place(store, Quota(held_bytes=4 * KB))
    store.retry(hash_, defer=no_defer)
    store.cancel(hash_)
    assert has_place(store, Quota(held_bytes=1))


def test_archives_count_until_they_expire_and_the_first_to_go_says_when(
    store: JobStore, clock: FakeClock
) -> None:
    for _ in range(2):
        run = begun(store, client="ann")
        store.complete(run.fence, PUBLISHED, checkpoint(done()))
        clock.advance(1000)
    with pytest.raises(QuotaExceeded, match="hold 24690 bytes, and 20000 bytes may be") as refused:
        create(store, Quota(held_bytes=20_000))
    assert refused.value.retry_after == pytest.approx(RETENTION - 2000)
    assert has_place(store, Quota(held_bytes=24_691))
    store.expire(run.job.hash)
    assert has_place(store, Quota(held_bytes=20_000))


def test_an_address_is_forgotten_when_its_job_expires_and_a_keys_name_is_not(
    store: JobStore,
) -> None:
    for client, left in (("address:192.0.2.7", ""), ("ann", "ann"), ("addressee", "addressee")):
        hash_ = create(store, Quota(), client)
        store.cancel(hash_)
        assert store.get(hash_).client == client
        store.expire(hash_)
        assert store.get(hash_).client == left
