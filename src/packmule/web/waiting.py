"""Long polls: an answer is held back until the job has ended, within bounds.

Owns how long, how many at once, and how often the store is asked meanwhile. Leaves what is answered
to the route. The more wait, the less often each is looked after: what they cost together is bounded
by `_LOOKS_PER_SECOND`, however many there are.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from packmule.web.documents import OPEN_STATES

if TYPE_CHECKING:
    from starlette.requests import Request

    from packmule.web.parts import Parts

LONGEST_WAIT = 60.0
_LOOK_EVERY = 0.15
_LOOKS_PER_SECOND = 200


class LongPolls:
    """All requests of this process whose answers are held back."""

    def __init__(self) -> None:
        self._held = 0

    async def hold(self, request: Request, parts: Parts, hash_: str, seconds: float) -> None:
        """Wait until a job is no longer open; also no longer than its client, or this process.

        Returns at once where as many wait as may: its client is answered, only sooner. Raises
        NotFound.
        """
        if self._held >= parts.bounds.long_polls:
            return
        self._held += 1
        try:
            await self._until_ended(request, parts, hash_, min(seconds, LONGEST_WAIT))
        finally:
            self._held -= 1

    async def _until_ended(
        self, request: Request, parts: Parts, hash_: str, seconds: float
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            state, _ = await run_in_threadpool(parts.store.find_version, hash_)
            left = deadline - loop.time()
            if state not in OPEN_STATES or left <= 0 or parts.draining():
                return
            pause = max(_LOOK_EVERY, self._held / _LOOKS_PER_SECOND)
            await asyncio.sleep(min(pause, left))
            if await request.is_disconnected():
                return
