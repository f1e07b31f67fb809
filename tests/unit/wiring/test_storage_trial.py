"""A storage is tried at the start; one that is away or silent does not keep the service from it."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from packmule.errors import DiskFull, PackmuleError, StorageAway
from packmule.wiring.storage_trial import try_storage

if TYPE_CHECKING:
    from collections.abc import Callable


def raising(error: PackmuleError) -> Callable[[], None]:
    def probe() -> None:
        raise error

    return probe


def test_a_storage_that_can_be_used_is_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    try_storage(lambda: None)
    assert caplog.messages == []


def test_one_that_is_away_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    try_storage(raising(StorageAway("denied")))
    assert caplog.messages == ["storage not usable reason=denied"]


def test_what_does_not_pass_by_itself_is_raised() -> None:
    with pytest.raises(DiskFull):
        try_storage(raising(DiskFull("full")))


def test_one_that_says_nothing_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    may_end = Event()
    try_storage(lambda: assert_ended(may_end), patience=0.01)
    may_end.set()
    assert caplog.messages == ["storage not usable reason=no answer within 0 seconds"]


def assert_ended(event: Event) -> None:
    assert event.wait(30)
