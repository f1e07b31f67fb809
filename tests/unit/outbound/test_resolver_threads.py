"""A resolver on a machine that has no more threads: names wait for none that never starts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.fakes.names import Ear, Names

from packmule.outbound.resolver import Resolution, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    resolver = Resolver(Names())
    yield resolver
    resolver.close()


def answer(resolver: Resolver, host: str) -> Resolution:
    ear = Ear()
    return resolver.resolve(host, 443, ear) or ear.next()


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Let threads of these names fail to start, as on a machine that has no more of them."""
    scarce: set[str] = set()
    start = threading.Thread.start

    def started(self: threading.Thread) -> None:
        if any(self.name.startswith(name) for name in scarce):
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", started)
    return scarce


@pytest.mark.parametrize("which", ["resolver-watch", "resolver-1"])
def test_a_name_is_not_looked_up_while_no_thread_can_be_started(
    which: str, resolver: Resolver, no_threads: set[str]
) -> None:
    no_threads.add(which)
    failed = resolver.resolve("a.example", 443, Ear())
    assert failed is not None
    assert failed.error == "a.example was not looked up: no thread can be started"
    no_threads.clear()
    assert answer(resolver, "a.example").error is None


def test_the_threads_that_are_there_serve_when_no_more_can_be_started(
    resolver: Resolver, no_threads: set[str]
) -> None:
    assert answer(resolver, "a.example").error is None
    no_threads.add("resolver-")
    hosts = [f"{n}.example" for n in range(5)]
    assert [answer(resolver, host).error for host in hosts] == [None] * 5
