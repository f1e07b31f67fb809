"""The transfer loop's end, wanted or not."""

from __future__ import annotations

import threading

import pytest

from packmule.errors import Failure, FailureCode
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.curl import TransferLoop
from packmule.outbound.fetch import Fetch
from packmule.outbound.lane import Lane
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits
from packmule.outbound.urls import parse

RULES = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))


class Receiver:
    """Waits for a failure."""

    kept = 0

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self.told = threading.Event()

    def accept(self, *_: object) -> None:
        raise AssertionError

    def write(self, _view: memoryview) -> bool:
        raise AssertionError

    def rest(self) -> None:
        raise AssertionError

    def finish(self) -> None:
        raise AssertionError

    def fail(self, failure: Failure) -> None:
        self.failure = failure
        self.told.set()


def broken(_free: object = None) -> bool:
    raise ZeroDivisionError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_loop_is_told_at_once_and_no_job_waits_for_ever() -> None:
    died = threading.Event()
    loop = TransferLoop(RULES, LoopSettings(), may_start=broken, on_failure=died.set)
    loop.start()
    receiver = Receiver()
    loop.add(Lane(), [Fetch(parse("http://127.0.0.1:9/"), receiver)])
    assert died.wait(10)
    assert receiver.told.wait(10)
    assert receiver.failure is not None
    assert receiver.failure.code is FailureCode.INTERNAL
    late = Receiver()
    loop.add(Lane(), [Fetch(parse("http://127.0.0.1:9/"), late)])
    assert late.told.wait(10)
    loop.close()


def test_a_link_that_libcurl_will_not_take_ends_no_other() -> None:
    loop = TransferLoop(RULES, LoopSettings(transfers=1, limits=Limits(attempts=1)))
    loop.start()
    bad, good = Receiver(), Receiver()
    url = parse("http://127.0.0.1:9/")
    loop.add(Lane(), [Fetch(url._replace(text="http://127.0.0.1:9/\0"), bad), Fetch(url, good)])
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
