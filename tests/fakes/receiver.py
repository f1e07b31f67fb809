"""A receiver of webhooks on loopback: it verifies each message as any receiver would, and notes it.

The verifying is PyPI's `standardwebhooks`, made by others. How it answers is the test's choice.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's own


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; status 0: nothing, the connection is closed."""

    status: int = 204
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came; `number` counts its tries from 0. Its signature was right."""

    id: str
    number: int
    path: str
    fields: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The message."""
        document: dict[str, Any] = json.loads(self.body)
        return document


def receives(_received: Received) -> Answer:
    """Take every message."""
    return Answer()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a sender that was killed in the middle."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Receiver:
    """The receiver; use it as a context. `secret`: None takes messages without a signature."""

    def __init__(
        self,
        answer: Callable[[Received], Answer] = receives,
        *,
        secret: str | None = SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self.wrong: list[str] = []
        self._verifier = None if secret is None else Webhook(secret)
        self._tries: Counter[str] = Counter()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each request to the receiver."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                fields = {name.lower(): value for name, value in self.headers.items()}
                receiver.take(self, fields, body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = _Server((host, port), Handler)
        self.host, self.port = host, self._server.server_port
        self.url = f"http://{host}:{self.port}/hook"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def take(self, handler: BaseHTTPRequestHandler, fields: dict[str, str], body: bytes) -> None:
        """Verify, note and answer one request."""
        if self._verifier is not None:
            try:
                self._verifier.verify(body, fields)
            except Exception as error:  # noqa: BLE001 - whatever it says, the message is wrong
                self.wrong.append(f"{error!r}: {fields}")
        with self._lock:
            name = fields["webhook-id"]
            received = Received(name, self._tries[name], handler.path, fields, body)
            self._tries[name] += 1
            self.received.append(received)
        answer = self.answer(received)
        if not answer.status:
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for field, value in answer.fields:
            handler.send_header(field, value)
        handler.send_header("content-length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def about(self, archive_hash: str) -> list[Received]:
        """List what came about a job."""
        with self._lock:
            found = list(self.received)
        return [one for one in found if one.document["data"]["archive_hash"] == archive_hash]

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
