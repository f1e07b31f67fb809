"""Parent and child: a child process ends when its parent has, however that ended.

Owns the child's side. A supervisor that is killed can stop nobody: without this, its API would hold
the port, and its worker the jobs, for ever.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.25


def stop_with_parent(parent: int, *, grace: float) -> None:
    """Watch that this process's parent is the one of that id; when it is not, stop.

    To stop is what SIGTERM means to this process; after `grace` seconds it ends whatever it does.
    """
    threading.Thread(target=_watch, args=(parent, grace), name="parent", daemon=True).start()


def _watch(parent: int, grace: float) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    _log.error("the supervisor is gone; stopping")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)
