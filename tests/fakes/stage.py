"""A driver for the client's operations without a network: answers from a function, time by pauses.

Owns doing the steps as the real drivers do, at once. A test gives what answers each request, and
reads what was asked and how long was waited.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from packmule.client.operations import Circumstances
from packmule.client.steps import Do, Exchange, Fault, Pause, Reply, Taken, TakeUp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from packmule.client.steps import Request, Step
    from packmule.client.values import Trouble

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Body:
    """An answer whose body comes in pieces, to its end or to a fault."""

    head: Reply
    pieces: tuple[bytes, ...] = ()
    fault: Fault | None = None


Answer = Reply | Fault | Body


def document(content: Any, status: int = 200, **headers: str) -> Reply:
    """Give an answer with a document."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, json.dumps(content).encode())


@dataclass(slots=True)
class Stage:
    """Answers requests by `answer`; each takes `latency` seconds of a clock that is its own."""

    answer: Callable[[Request], Answer]
    latency: float = 0.0
    chance: float = 1.0
    clock: float = 0.0
    asked: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @classmethod
    def of(cls, answers: Iterable[Answer], **more: Any) -> Stage:
        """Give these answers in turn, the last one again and again."""
        left = list(answers)
        return cls(lambda _: left.pop(0) if len(left) > 1 else left[0], **more)

    @classmethod
    def through(cls, *handlers: Callable[[Request], Answer]) -> Stage:
        """Have each of these answer one request in turn, the last one all that follow."""
        left = list(handlers)

        def answer(request: Request) -> Answer:
            handler = left.pop(0) if len(left) > 1 else left[0]
            return handler(request)

        return cls(answer)

    def around(self, asking: float = 10.0, waiting: float = 300.0) -> Circumstances:
        """Give the circumstances in which operations run here."""
        return Circumstances(
            asking, waiting, self.troubles.append, lambda: self.clock, lambda: self.chance
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
            case Exchange(request):
                return self._answered(request)
            case TakeUp():
                return self._take_up(step)
            case Pause(seconds):
                self.pauses.append(seconds)
                self.clock += seconds
                return None
            case Do(call):
                return call()

    def _answered(self, request: Request) -> Answer:
        self.asked.append(request)
        self.clock += self.latency
        return self.answer(request)

    def _take_up(self, step: TakeUp) -> Reply | Taken | Fault:
        answer = self._answered(step.request)
        if not isinstance(answer, Body):
            return answer
        sink = step.begin(answer.head)
        for piece in answer.pieces if sink is not None else ():
            assert sink is not None
            if not sink(piece):
                return Taken(answer.head)
            step.told()
        return Taken(answer.head, answer.fault if sink is not None else None)
