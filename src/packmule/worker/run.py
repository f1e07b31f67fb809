"""The worker: runs tasks until it is told to stop, with a heartbeat beside them.

Owns the beating and the order of the end. Leaves what a task means to its handler, which tasks are
due to the engine, and who says stop to the command line.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

    from packmule.engine.interface import Engine, Handler

_log = logging.getLogger(__name__)

BEAT_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class Duty:
    """What to do with a kind of task, and with how many at once."""

    handler: Handler
    at_once: int


class SignOfLife(Protocol):
    """What is called at intervals while the worker is alive."""

    def beat(self) -> None:
        """Show that a worker is alive now. Raises OSError where that cannot be written."""


def work(engine: Engine, duties: Mapping[str, Duty], heartbeat: SignOfLife, stop: Event) -> None:
    """Run due tasks until `stop` is set and the handlers in work have returned."""
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(heartbeat, ended), name="heartbeat", daemon=True)
    beating.start()
    try:
        engine.run(
            {kind: duty.handler for kind, duty in duties.items()},
            concurrency={kind: duty.at_once for kind, duty in duties.items()},
            stop=stop,
        )
    finally:
        ended.set()
        beating.join()


def _beat(heartbeat: SignOfLife, ended: Event) -> None:
    """Beat until the end; log the first of several failures, and go on."""
    silent = False
    while True:
        try:
            heartbeat.beat()
            silent = False
        except Exception as error:  # noqa: BLE001 - a thread that ended would look like a dead worker
            if not silent:
                reason = getattr(error, "strerror", None) or type(error).__name__
                _log.warning("heartbeat not written reason=%s", reason)
            silent = True
        if ended.wait(BEAT_EVERY):
            return
