"""Waiting for something to come true, for tests of what happens in other threads and processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Far more than anything takes: a test that gets here has failed, not merely been slow.
PATIENCE = 100.0


def eventually(what: Callable[[], object], *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Return once `what` answers something true; fail when patience is over."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        meanwhile()
        time.sleep(0.005)
