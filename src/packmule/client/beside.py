"""Operations beside another one: as tasks for `AsyncClient`, as threads for `Client`.

Owns that all have ended when the block has, and that what one of them raises is raised there. If
the block itself raises, tasks are cancelled, and threads are left alone: a blocked read cannot be
interrupted, so what they share with the block must bear that they end later.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence
    from types import TracebackType

    from packmule.client.steps import Step

    Operation = Generator[Step, Any, None]


class Tasks:
    """Runs operations as tasks until the block ends."""

    def __init__(self, run: Callable[[Operation], Awaitable[None]]) -> None:
        self._run = run
        self._group = anyio.create_task_group()
        self._errors: list[Exception] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    def start(self, operations: Sequence[Operation]) -> None:
        """Start operations."""
        for operation in operations:
            self._group.start_soon(self._catch, operation)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            # The group would wrap it.
            self._group.cancel_scope.cancel()
            kind = error = trace = None
        await self._group.__aexit__(kind, error, trace)
        if self._errors:
            raise self._errors[0]

    async def _catch(self, operation: Operation) -> None:
        # A group would wrap it, and cancel the others.
        try:
            await self._run(operation)
        except Exception as error:  # noqa: BLE001  # raised at the end of the block
            self._errors.append(error)


class Threads:
    """Runs operations in threads until the block ends."""

    def __init__(self, run: Callable[[Operation], None]) -> None:
        self._run = run
        self._threads: list[threading.Thread] = []
        self._errors: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    def start(self, operations: Sequence[Operation]) -> None:
        """Start operations."""
        for operation in operations:
            thread = threading.Thread(target=self._catch, args=(operation,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            return
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _catch(self, operation: Operation) -> None:
        try:
            self._run(operation)
        except Exception as error:  # noqa: BLE001  # raised at the end of the block
            self._errors.append(error)
