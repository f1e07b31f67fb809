"""A driver for the client's operations without a network: answers from a function, time by pauses.

Owns doing the steps as the real drivers do, at once. A test gives what answers each request, and
reads what was asked and how long was waited.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from packmule.client.operations import CallContext
from packmule.client.steps import (
    ApiResponse,
    NetworkFault,
    RunBlocking,
    SendRequest,
    Sleep,
    Streamed,
    StreamResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from packmule.client.steps import ApiRequest, Step
    from packmule.client.values import RetryEvent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Body:
    """An answer whose body comes in pieces, to its end or to a fault."""

    head: ApiResponse
    pieces: tuple[bytes, ...] = ()
    fault: NetworkFault | None = None


Answer = ApiResponse | NetworkFault | Body


def document(content: Any, status: int = 200, **headers: str) -> ApiResponse:
    """Give an answer with a document."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiResponse(status, named, json.dumps(content).encode())


@dataclass(slots=True)
class Stage:
    """Answers requests by `answer`; each takes `latency` seconds of a clock that is its own.

    `next_turn` chooses who is next of so many operations that run at once, counted from 0; the last
    is the one that began the others.
    """

    answer: Callable[[ApiRequest], Answer]
    latency: float = 0.0
    chance: float = 1.0
    clock: float = 0.0
    asked: list[ApiRequest] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    retries: list[RetryEvent] = field(default_factory=list)
    next_turn: Callable[[int], int] = field(default_factory=lambda: Random(1).randrange)

    @classmethod
    def of(cls, answers: Iterable[Answer], **more: Any) -> Stage:
        """Give these answers in turn, the last one again and again."""
        left = list(answers)
        return cls(lambda _: left.pop(0) if len(left) > 1 else left[0], **more)

    @classmethod
    def through(cls, *handlers: Callable[[ApiRequest], Answer]) -> Stage:
        """Have each of these answer one request in turn, the last one all that follow."""
        left = list(handlers)

        def answer(request: ApiRequest) -> Answer:
            handler = left.pop(0) if len(left) > 1 else left[0]
            return handler(request)

        return cls(answer)

    def context(self, request_timeout: float = 10.0, retry_timeout: float = 300.0) -> CallContext:
        """Give the circumstances in which operations run here."""
        return CallContext(
            request_timeout,
            retry_timeout,
            self.retries.append,
            lambda: self.clock,
            lambda: self.chance,
        )

    def play(self, steps: Generator[Step, Any, T]) -> T:
        """Do all steps of an operation, and give its result."""
        running = self._running(steps)
        try:
            while True:
                next(running)
        except StopIteration as end:
            found: T = end.value
            return found
        finally:
            steps.close()

    def _running(self, steps: Generator[Step, Any, T]) -> Generator[None, None, T]:
        """Do all steps, and pause wherever another operation may be next."""
        result: Any = None
        while True:
            try:
                step = steps.send(result)
            except StopIteration as end:
                found: T = end.value
                return found
            if isinstance(step, StreamResponse):
                result = yield from self._streaming(step)
            else:
                result = self._do(step)

    def _do(self, step: Step) -> Any:
        match step:
            case SendRequest(request):
                return self._answered(request)
            case Sleep(seconds):
                self.pauses.append(seconds)
                self.clock += seconds
                return None
            case RunBlocking(call):
                return call()
            case _:
                raise AssertionError(step)

    def _answered(self, request: ApiRequest) -> Answer:
        self.asked.append(request)
        self.clock += self.latency
        return self.answer(request)

    def _streaming(
        self, step: StreamResponse
    ) -> Generator[None, None, ApiResponse | Streamed | NetworkFault]:
        answer = self._answered(step.request)
        yield
        if not isinstance(answer, Body):
            return answer
        consume = step.begin(answer.head)
        if consume is None:
            return Streamed(answer.head)
        beside = [self._running(each) for each in step.beside()]
        left, ended = list(answer.pieces), Streamed(answer.head, answer.fault)
        while left or beside:
            turn = self.next_turn(len(beside) + bool(left))
            if turn < len(beside):
                helper = beside.pop(turn)
                with suppress(StopIteration):
                    next(helper)
                    beside.append(helper)
            elif consume(left.pop(0)):
                step.progress()
            else:
                left, ended = [], Streamed(answer.head)
            yield
        return ended
