"""Names to addresses: who is answered when, what is remembered, and that nobody waits for ever."""

from __future__ import annotations

import math
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.cases import ssrf
from tests.fakes.names import PUBLIC, SOON, Ear, Names, ask_in_vain

from packmule.outbound.addresses import AddressRules
from packmule.outbound.resolver import Resolution, Resolver, system_look_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.clock import FakeClock


@pytest.fixture
def resolver(make: Callable[..., Resolver]) -> Resolver:
    return make()


def ask(resolver: Resolver, host: str) -> Resolution:
    """Ask and wait, whichever way the answer comes."""
    ear = Ear()
    return resolver.resolve(host, 443, ear) or ear.next()


def ask_until_it_hangs(resolver: Resolver, names: Names, host: str) -> Ear:
    """Ask for a name that is kept silent about; return once a thread hangs in its look-up."""
    ear = ask_in_vain(resolver, host)
    while host not in names.asked:
        assert names.begun.acquire(timeout=SOON)
    return ear


# --- answers


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "127.0.0.1"])
def test_an_address_is_answered_at_once_as_itself(
    address: str, resolver: Resolver, names: Names
) -> None:
    assert resolver.resolve(address, 443, Ear()) == Resolution(address, (address,), None, math.inf)
    assert names.asked == []


def test_a_name_is_looked_up_and_told_to_who_asked_once(
    resolver: Resolver, names: Names, clock: FakeClock
) -> None:
    names.answers["a.example"] = [[PUBLIC, "2606:4700::1111"]]
    ear = ask_in_vain(resolver, "a.example")
    told = Resolution("a.example", (PUBLIC, "2606:4700::1111"), None, clock() + 30)
    assert ear.next() == told
    assert resolver.resolve("a.example", 443, ear) == told
    assert ear.heard == [told]


def test_an_answer_is_remembered_for_its_time_and_then_looked_up_again(
    resolver: Resolver, names: Names, clock: FakeClock
) -> None:
    ask(resolver, "a.example")
    clock.advance(29.9)
    assert resolver.resolve("a.example", 443, Ear()) is not None
    clock.advance(0.1)
    ask_in_vain(resolver, "a.example").next()
    assert names.asked == ["a.example", "a.example"]


def test_many_who_ask_for_one_name_wait_for_one_look_up(resolver: Resolver, names: Names) -> None:
    release = names.keep_silent_about("a.example")
    ears = [ask_in_vain(resolver, "a.example") for _ in range(20)]
    release.set()
    assert {ear.next().addresses for ear in ears} == {(PUBLIC,)}
    assert names.asked == ["a.example"]


def test_a_full_memory_forgets_the_oldest_answer(
    make: Callable[..., Resolver], names: Names
) -> None:
    resolver = make(max_cached=2)
    for host in ("a.example", "b.example", "c.example"):
        ask(resolver, host)
    assert resolver.resolve("b.example", 443, Ear()) is not None
    assert resolver.resolve("c.example", 443, Ear()) is not None
    ask_in_vain(resolver, "a.example").next()
    assert names.asked[-1] == "a.example"


# --- failures


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "has no address: check the spelling"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "has no address: check the spelling"),
        (socket.gaierror(socket.EAI_NODATA, "x"), "has no address: check the spelling"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "the name server did not answer"),
        (socket.gaierror(socket.EAI_FAIL, "out of order"), "out of order"),
        (OSError("too many open files"), "too many open files"),
    ],
)
def test_a_failure_is_a_sentence_that_names_the_host(
    answer: list[str] | Exception, words: str, resolver: Resolver, names: Names
) -> None:
    names.answers["a.example"] = [answer]
    told = ask(resolver, "a.example")
    assert told.addresses == ()
    assert told.error is not None
    assert told.error.startswith("a.example ")
    assert words in told.error


def test_a_failure_is_remembered_for_a_moment(
    resolver: Resolver, names: Names, clock: FakeClock
) -> None:
    names.answers["a.example"] = [socket.gaierror(socket.EAI_AGAIN, "x"), [PUBLIC]]
    failed = ask(resolver, "a.example")
    clock.advance(0.19)
    assert resolver.resolve("a.example", 443, Ear()) == failed
    clock.advance(0.1)
    assert ask_in_vain(resolver, "a.example").next().error is None


def test_an_error_of_our_own_is_logged_and_the_thread_goes_on(
    make: Callable[..., Resolver], names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    resolver = make(threads=1)
    names.answers["a.example"] = [ZeroDivisionError("oops")]
    assert "internal error" in (ask(resolver, "a.example").error or "")
    assert "oops" in caplog.text
    assert ask(resolver, "b.example").error is None


def test_one_who_cannot_listen_does_not_keep_the_others_from_hearing(
    make: Callable[..., Resolver], names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    resolver = make(threads=1)
    release = names.keep_silent_about("a.example")

    def deaf(_: Resolution) -> None:
        raise RuntimeError("deaf")

    assert resolver.resolve("a.example", 443, deaf) is None
    ear = ask_in_vain(resolver, "a.example")
    release.set()
    assert ear.next().error is None
    assert ask(resolver, "b.example").error is None
    assert "deaf" in caplog.text


# --- time


def test_nobody_waits_longer_than_the_timeout_for_a_look_up_that_hangs(
    resolver: Resolver, names: Names, clock: FakeClock
) -> None:
    names.keep_silent_about("a.example")
    ear = ask_in_vain(resolver, "a.example")
    clock.advance(9.9)
    resolver.expire()
    assert ear.heard == []
    clock.advance(0.1)
    resolver.expire()
    told = ear.next()
    assert told.error == "a.example could not be looked up: no answer in 10 s"
    assert resolver.resolve("a.example", 443, ear) == told


def test_the_watcher_keeps_the_deadline_by_itself(
    make: Callable[..., Resolver], names: Names
) -> None:
    resolver = make(clock=time.monotonic, timeout=0.02, threads=1)
    ask(resolver, "a.example")
    time.sleep(0.1)  # its deadline is over: the watcher sleeps, and must be woken
    names.keep_silent_about("hangs.example")
    ears = [ask_in_vain(resolver, "hangs.example"), ask_in_vain(resolver, "queued.example")]
    assert all("no answer in 0.02 s" in (ear.next().error or "") for ear in ears)


def test_a_late_answer_is_told_to_nobody_twice_and_remembered(
    make: Callable[..., Resolver], names: Names, clock: FakeClock
) -> None:
    resolver = make(threads=1, max_stuck=0)
    release = names.keep_silent_about("a.example")
    ear = ask_until_it_hangs(resolver, names, "a.example")
    clock.advance(10)
    resolver.expire()
    ear.next()
    release.set()
    ask(resolver, "b.example")  # the one thread has come back from the first
    assert len(ear.heard) == 1
    known = resolver.resolve("a.example", 443, ear)
    assert known is not None
    assert known.addresses == (PUBLIC,)


def test_a_name_that_hangs_holds_one_thread_however_often_it_is_asked_for(
    make: Callable[..., Resolver], names: Names, clock: FakeClock
) -> None:
    resolver = make(threads=2)
    names.keep_silent_about("hangs.example")
    ear = ask_until_it_hangs(resolver, names, "hangs.example")
    for _ in range(5):
        clock.advance(10)
        resolver.expire()
        assert ear.next().error is not None
        clock.advance(2)  # the failure is forgotten
        ear = ask_in_vain(resolver, "hangs.example")
    assert ask(resolver, "b.example").error is None
    assert names.asked == ["hangs.example", "b.example"]


def test_who_waits_for_a_thread_is_answered_at_the_timeout_too_and_is_never_looked_up(
    make: Callable[..., Resolver], names: Names, clock: FakeClock
) -> None:
    resolver = make(threads=1)
    release = names.keep_silent_about("hangs.example")
    ask_until_it_hangs(resolver, names, "hangs.example")
    queued = ask_in_vain(resolver, "queued.example")
    clock.advance(10)
    resolver.expire()
    assert "no answer in 10 s" in (queued.next().error or "")
    release.set()
    ask(resolver, "b.example")
    assert names.asked == ["hangs.example", "b.example"]


def test_a_full_queue_refuses_at_once_and_not_for_long(
    make: Callable[..., Resolver], names: Names
) -> None:
    resolver = make(threads=1, max_queued=1)
    release = names.keep_silent_about("hangs.example")
    ask_until_it_hangs(resolver, names, "hangs.example")
    queued = ask_in_vain(resolver, "queued.example")
    refused = resolver.resolve("refused.example", 443, Ear())
    assert refused is not None
    assert "too many names are waiting" in (refused.error or "")
    release.set()
    queued.next()
    assert ask(resolver, "refused.example").error is None


# --- the end


def test_after_closing_nobody_is_told_anything_and_the_threads_end(
    make: Callable[..., Resolver], names: Names
) -> None:
    before = set(threading.enumerate())
    resolver = make(threads=2)
    release = names.keep_silent_about("hangs.example")
    ask(resolver, "a.example")
    ear = ask_until_it_hangs(resolver, names, "hangs.example")
    ours = set(threading.enumerate()) - before
    assert len(ours) >= 2
    assert all(thread.daemon for thread in ours)
    resolver.close()
    release.set()
    for thread in ours:
        thread.join(SOON)
        assert not thread.is_alive()
    assert ear.heard == []
    refused = resolver.resolve("b.example", 443, ear)
    assert refused is not None
    assert "this worker is shutting down" in (refused.error or "")


def test_every_asker_is_told_exactly_once_however_many_ask_together(
    make: Callable[..., Resolver], names: Names
) -> None:
    resolver = make(threads=3)
    ears: list[Ear] = []
    lock = threading.Lock()

    def client(number: int) -> None:
        for index in range(100):
            ear = Ear()
            now = resolver.resolve(f"{(index * number) % 40}.example", 443, ear)
            if now is not None:
                ear(now)
            with lock:
                ears.append(ear)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(1, 7)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(SOON)
    assert all(ear.next().addresses == (PUBLIC,) for ear in ears)
    assert [len(ear.heard) for ear in ears] == [1] * 600
    assert len(names.asked) == len(set(names.asked))


# --- with the rules


@pytest.mark.parametrize("case", ssrf.cases("rebind"), ids=ssrf.name)
def test_a_name_that_changes_its_answer_is_judged_at_every_attempt(
    case: ssrf.Case, make: Callable[..., Resolver], names: Names
) -> None:
    resolver, rules = make(ttl=0.0, failure_ttl=0.0), AddressRules()
    names.answers[case.host] = [list(answer) for answer in case.answers]
    attempts = [ask(resolver, case.host) for _ in case.answers]
    permitted = [told.addresses for told in attempts if rules.permits_all(told.addresses)]
    assert [told.addresses for told in attempts] == list(case.answers)
    assert permitted == [answer for answer in case.answers if answer == (PUBLIC,)]
    if case.verdict.startswith("block or retry"):
        assert attempts[1].error is not None
    elif case.verdict == "block":
        assert not rules.permits_all(attempts[0].addresses)
    else:
        assert case.verdict.removeprefix("never ") not in {
            one for all_ in permitted for one in all_
        }


def test_the_system_knows_localhost_and_gives_each_address_once() -> None:
    found = system_look_up("localhost", 443)
    assert {"127.0.0.1", "::1"} & set(found)
    assert len(found) == len(set(found))
    assert not AddressRules().permits_all(found)
