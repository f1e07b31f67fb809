"""Stop a child process when its parent has ended, however that ended.

A supervisor that is killed cannot stop its children: without this, its API would hold the port and
its worker the jobs for ever.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

_log = logging.getLogger(__name__)

_INTERVAL = 0.25


def stop_with_parent(parent: int, *, grace: float) -> None:
    """Send this process SIGTERM as soon as its parent is not the process `parent`.

    `grace` seconds later it exits, whatever it is doing.
    """
    threading.Thread(target=_watch, args=(parent, grace), name="parent", daemon=True).start()


def _watch(parent: int, grace: float) -> None:
    while os.getppid() == parent:
        time.sleep(_INTERVAL)
    _log.error("supervisor gone, stopping")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)
