"""The transfer loop's end, wanted or not."""

from __future__ import annotations

import logging
import threading
from errno import EMFILE
from os import strerror
from typing import TYPE_CHECKING, cast

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.fetch import Fetch
from packmule.outbound.job_queue import JobQueue
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits
from packmule.outbound.transfer_loop import TransferLoop
from packmule.outbound.urls import parse

if TYPE_CHECKING:
    from packmule.outbound.resolver import Resolver

RULES = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))


class Receiver:
    """Waits for a failure."""

    kept = 0

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self.told = threading.Event()

    has_ended = False
    segmented = None

    def tail(self, _length: int) -> bytes:
        return b""

    def go_on(self, _start: int) -> None:
        raise AssertionError

    def accept(self, *_: object) -> None:
        raise AssertionError

    def write(self, _view: memoryview) -> bool:
        raise AssertionError

    def rest(self) -> None:
        raise AssertionError

    def postpone(self, *_: object) -> None:
        raise AssertionError

    def finish(self) -> None:
        raise AssertionError

    def fail(self, failure: Failure) -> None:
        self.failure = failure
        self.told.set()


def broken(_free: object = None) -> bool:
    raise ZeroDivisionError


def fail() -> None:
    raise ZeroDivisionError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_loop_is_told_at_once_and_no_job_waits_for_ever() -> None:
    died = threading.Event()
    loop = TransferLoop(RULES, LoopSettings(), may_start=broken, on_failure=died.set)
    loop.start()
    receiver = Receiver()
    loop.add(JobQueue(), [Fetch(parse("http://127.0.0.1:9/"), receiver)])
    assert died.wait(10)
    assert receiver.told.wait(10)
    assert receiver.failure is not None
    assert receiver.failure.code is FailureCode.INTERNAL
    late = Receiver()
    loop.add(JobQueue(), [Fetch(parse("http://127.0.0.1:9/"), late)])
    assert late.told.wait(10)
    loop.close()


def test_a_link_that_libcurl_will_not_take_ends_no_other() -> None:
    loop = TransferLoop(RULES, LoopSettings(transfers=1, limits=Limits(attempts=1)))
    loop.start()
    bad, good = Receiver(), Receiver()
    url = parse("http://127.0.0.1:9/")
    loop.add(JobQueue(), [Fetch(url._replace(text="http://127.0.0.1:9/\0"), bad), Fetch(url, good)])
    assert bad.told.wait(10)
    assert good.told.wait(10)
    assert bad.failure is not None
    assert good.failure is not None
    assert (bad.failure.code, good.failure.code) == (FailureCode.INTERNAL, FailureCode.CONNECT)
    loop.close()


def test_a_loop_that_is_nudged_while_it_ends_does_not_stumble() -> None:
    for _ in range(20):
        loop = TransferLoop(RULES, LoopSettings(transfers=1))
        loop.start()
        over = threading.Event()

        def nudge(loop: TransferLoop = loop, over: threading.Event = over) -> None:
            while not over.is_set():
                loop.nudge()

        thread = threading.Thread(target=nudge)
        thread.start()
        loop.close()
        over.set()
        thread.join()
        loop.nudge()


class Silent:
    """A resolver that never answers."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def resolve(self, *_: object) -> None:
        self.asked.set()

    def close(self) -> None:
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_source_whose_name_is_being_looked_up_fails_with_the_loop() -> None:
    resolver = Silent()
    loop = TransferLoop(RULES, LoopSettings(), resolver=cast("Resolver", resolver))
    loop.start()
    receiver = Receiver()
    loop.add(JobQueue(), [Fetch(parse("http://a.example/"), receiver)])
    assert resolver.asked.wait(10)
    loop.submit(fail)
    assert receiver.told.wait(10)
    assert receiver.failure is not None
    assert receiver.failure.code is FailureCode.INTERNAL
    loop.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_every_job_learns_of_the_loop_s_end_though_its_commands_fail_one_after_another() -> None:
    loop = TransferLoop(RULES, LoopSettings())
    loop.start()
    entered, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        go_on.wait(10)

    loop.submit(wait)
    assert entered.wait(10)
    for _ in range(3):
        loop.submit(fail)
    receiver = Receiver()
    loop.add(JobQueue(), [Fetch(parse("http://127.0.0.1:9/"), receiver)])
    go_on.set()
    assert receiver.told.wait(10)
    loop.close()


class OutOfSockets(AddressRules):
    """Rules under which every connection meets a kernel that is out of file descriptors."""

    def permits(self, address: object) -> bool:
        raise OSError(EMFILE, strerror(EMFILE), address)


def test_a_source_is_tried_again_when_this_machine_is_out_of_sockets() -> None:
    limits = Limits(attempts=2, first_delay=0.01)
    loop = TransferLoop(OutOfSockets(), LoopSettings(limits=limits))
    loop.start()
    receiver = Waiting()
    loop.add(JobQueue(), [Fetch(parse("http://127.0.0.1:9/"), receiver)])
    assert receiver.told.wait(10)
    assert receiver.failure is not None
    assert (receiver.failure.code, receiver.failure.attempts) == (FailureCode.CONNECT, 2)
    assert "Too many open files" in receiver.failure.detail
    loop.close()


class Waiting(Receiver):
    """Rests between two tries."""

    def rest(self) -> None:
        pass

    def postpone(self, *_: object) -> None:
        pass


def test_a_loop_that_ends_for_lack_of_memory_says_so_although_the_log_lacks_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    ended = threading.Event()
    loop = TransferLoop(RULES, LoopSettings(), on_failure=ended.set)
    monkeypatch.setattr(logging.Logger, "exception", no_memory)
    loop.start()
    loop.submit(no_memory)
    assert ended.wait(30)
    loop.close()
    assert loop.has_ended
