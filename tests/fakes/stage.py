"""A driver for the client's operations without a network: answers from a function, time by pauses.

Owns doing the steps as the real drivers do, at once. A test gives what answers each request, and
reads what was asked and how long was waited.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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
    """Answers requests by `answer`; each takes `latency` seconds of a clock that is its own."""

    answer: Callable[[ApiRequest], Answer]
    latency: float = 0.0
    chance: float = 1.0
    clock: float = 0.0
    asked: list[ApiRequest] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    retries: list[RetryEvent] = field(default_factory=list)

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
        result: Any = None
        try:
            while True:
                result = self._do(steps.send(result))
        except StopIteration as end:
            found: T = end.value
            return found
        finally:
            steps.close()

    def _do(self, step: Step) -> Any:
        match step:
            case SendRequest(request):
                return self._answered(request)
            case StreamResponse():
                return self._stream(step)
            case Sleep(seconds):
                self.pauses.append(seconds)
                self.clock += seconds
                return None
            case RunBlocking(call):
                return call()

    def _answered(self, request: ApiRequest) -> Answer:
        self.asked.append(request)
        self.clock += self.latency
        return self.answer(request)

    def _stream(self, step: StreamResponse) -> ApiResponse | Streamed | NetworkFault:
        answer = self._answered(step.request)
        if not isinstance(answer, Body):
            return answer
        sink = step.begin(answer.head)
        for piece in answer.pieces if sink is not None else ():
            assert sink is not None
            if not sink(piece):
                return Streamed(answer.head)
            step.progress()
        return Streamed(answer.head, answer.fault if sink is not None else None)
