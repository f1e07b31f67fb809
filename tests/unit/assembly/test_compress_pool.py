"""The compressing threads: what is handed in is done and counted, whatever the system refuses."""

from __future__ import annotations

from functools import partial
from threading import Event, Thread, get_ident
from typing import TYPE_CHECKING

import pytest
from tests.fakes.waiting import PATIENCE

from packmule.assembly.compress_pool import WAITING_BYTES, CompressPool

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pool() -> Iterator[CompressPool]:
    made = CompressPool(2)
    yield made
    made.close()


def refuse_threads(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Let so many more threads start, and no other."""
    start, left = Thread.start, [after]

    def perhaps(thread: Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(Thread, "start", perhaps)


def test_where_no_thread_starts_the_caller_does_the_work_and_nobody_waits_forever(
    pool: CompressPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    with monkeypatch.context() as patch:
        refuse_threads(patch, after=0)
        pool.submit("job", WAITING_BYTES, lambda: done.append(get_ident()))
    assert done == [get_ident()]
    assert pool.has_room()
    waiter = Thread(target=pool.wait, args=("job",), daemon=True)
    waiter.start()
    waiter.join(PATIENCE)
    assert not waiter.is_alive()


def test_where_a_second_thread_is_refused_the_first_does_it_all(
    pool: CompressPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    with monkeypatch.context() as patch:
        refuse_threads(patch, after=1)
        for number in range(20):
            pool.submit("job", 1, partial(done.append, number))
        pool.wait("job")
    assert done == [*range(20)]


def test_a_thread_is_tried_again_for_the_next_piece_of_work(
    pool: CompressPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        refuse_threads(patch, after=0)
        pool.submit("job", 1, lambda: None)
    elsewhere = Event()
    here = get_ident()
    pool.submit("job", 1, lambda: elsewhere.set() if get_ident() != here else None)
    pool.wait("job")
    assert elsewhere.is_set()


def test_work_that_fails_is_counted_as_done(
    pool: CompressPool, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ValueError("no number")

    pool.submit("job", 1, broken)
    pool.wait("job")
    assert "no number" in caplog.text
