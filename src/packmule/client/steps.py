"""The steps of an operation: what to do next, as values that a driver carries out.

Each operation of the client is a generator. It decides and yields a step: send a request, sleep,
stream a response, use the disk. A driver carries out the step, blocking or not, and sends back the
result. So every decision is written once for `Client` and `AsyncClient`, and tested without a
socket. Network errors come back as values, not as exceptions.

    operation ──SendRequest──> driver ──ApiResponse | NetworkFault──> operation ──Sleep──> driver …
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request. `idempotent` means that sending it twice does no harm; `timeout` is in seconds."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    idempotent: bool = True
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response, or its head without a body. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """No response came, or not all of it. `sent` is False if the request was certainly not sent."""

    detail: str
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Streamed:
    """A response body was streamed, to its end or to a fault; `head` is the response's head."""

    head: ApiResponse
    fault: NetworkFault | None = None


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Send a request and read its response. Results in an ApiResponse or a NetworkFault."""

    request: ApiRequest


@dataclass(frozen=True, slots=True)
class StreamResponse:
    """Send a request and stream its response body.

    `begin` gets the head of a successful response and returns the consumer of its body, or None to
    skip it. The consumer is called with each piece, and returns False to stop. Both may block on
    the disk. `progress` is called after each piece. `beside` is called once there is a consumer:
    the operations that it returns are carried out at the same time, and the step ends when they
    have ended as well. Results in Streamed if there was a body, else in an ApiResponse or a
    NetworkFault.
    """

    request: ApiRequest
    begin: Callable[[ApiResponse], Callable[[bytes], bool] | None]
    progress: Callable[[], None]
    beside: Callable[[], Sequence[Generator[Step, Any, None]]]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RunBlocking:
    """Call something that may block on the disk. Results in what it returns."""

    call: Callable[[], Any]


Step = SendRequest | StreamResponse | Sleep | RunBlocking


def send_request(request: ApiRequest) -> Generator[Step, Any, ApiResponse | NetworkFault]:
    """Yield one SendRequest and return its result."""
    return cast("ApiResponse | NetworkFault", (yield SendRequest(request)))


def stream_response(
    request: ApiRequest,
    begin: Callable[[ApiResponse], Callable[[bytes], bool] | None],
    progress: Callable[[], None],
    beside: Callable[[], Sequence[Generator[Step, Any, None]]],
) -> Generator[Step, Any, ApiResponse | Streamed | NetworkFault]:
    """Yield one StreamResponse and return its result."""
    step = StreamResponse(request, begin, progress, beside)
    return cast("ApiResponse | Streamed | NetworkFault", (yield step))


def run_blocking(call: Callable[[], T]) -> Generator[Step, Any, T]:
    """Yield one RunBlocking and return its result."""
    return cast("T", (yield RunBlocking(call)))
