"""The steps of an operation: what is to be done next, told to whoever can do it.

An operation of the client is a generator. It decides, and yields a step: send a request, wait,
take up a body. A driver does the step, blocking or not, and sends back what came of it. So every
decision is written once, for `Client` and `AsyncClient`, and is tested without a socket. Owns the
steps and their results; faults of the network come back as values, not as exceptions.

    operation ──Exchange──> driver ──Reply | Fault──> operation ──Pause──> driver ──> …
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `again` tells that it does no harm to send it twice; `timeout` in seconds."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    again: bool = True
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that came whole. The names of `headers` are in small letters."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Fault:
    """No answer came, or not all of it. `sent` is False where the request surely was not sent."""

    detail: str
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """A body was taken up, to its end or to a fault; `head` is the answer it came with."""

    head: Reply
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send a request and read its answer. Gives a Reply or a Fault."""

    request: Request


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Send a request and take up its body as it comes.

    `begin` is given the head of a successful answer, and gives what takes up the body, or None to
    leave it: called with each piece, it is False where no more is wanted. Both may use the disk.
    `told` is called after each piece. Gives Taken where there was a body, else a Reply or a Fault.
    """

    request: Request
    begin: Callable[[Reply], Callable[[bytes], bool] | None]
    told: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Pause:
    """Let seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Do:
    """Do something that may block, on the disk. Gives what it gives."""

    call: Callable[[], Any]


Step = Exchange | TakeUp | Pause | Do


def exchange(request: Request) -> Generator[Step, Any, Reply | Fault]:
    """Do one Exchange."""
    return cast("Reply | Fault", (yield Exchange(request)))


def take_up(
    request: Request,
    begin: Callable[[Reply], Callable[[bytes], bool] | None],
    told: Callable[[], None],
) -> Generator[Step, Any, Reply | Taken | Fault]:
    """Do one TakeUp."""
    return cast("Reply | Taken | Fault", (yield TakeUp(request, begin, told)))


def do(call: Callable[[], T]) -> Generator[Step, Any, T]:
    """Do something on the disk."""
    return cast("T", (yield Do(call)))
