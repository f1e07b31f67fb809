"""An origin that waits before each answer, as a far one would.

Owns a small HTTP/1.1 server: GET and HEAD of the files of one folder, held in memory, every answer
`delay` seconds after its request; connections stay open (RFC 9112 9.3). A program of its own:
`latency.py PORT FOLDER DELAY`.
"""

import asyncio
import hashlib
import sys
from pathlib import Path
from typing import cast

HEAD_END = b"\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def load(folder: Path) -> dict[bytes, tuple[bytes, bytes]]:
    """Read all files into (head, body) by their path on the origin."""
    answers = {}
    for path in sorted(folder.glob("*.jpg")):
        body = path.read_bytes()
        tag = hashlib.sha256(body).hexdigest()[:16]
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
            f'Content-Length: {len(body)}\r\nETag: "{tag}"\r\n\r\n'
        )
        answers[f"/{folder.name}/{path.name}".encode()] = head.encode(), body
    return answers


class Connection(asyncio.Protocol):
    """One client's connection; requests on it are answered in their order."""

    def __init__(self, answers: dict[bytes, tuple[bytes, bytes]], delay: float) -> None:
        self._answers = answers
        self._delay = delay
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back to the client."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request later; none here has a body."""
        *requests, self._received = (self._received + data).split(HEAD_END)
        loop = asyncio.get_running_loop()
        for request in requests:
            method, path, _ = request.split(b"\r\n", 1)[0].split(b" ", 2)
            loop.call_later(self._delay, self._answer, method, path)

    def _answer(self, method: bytes, path: bytes) -> None:
        """Send what the request asked for."""
        if self._transport is None or self._transport.is_closing():
            return
        head, body = self._answers.get(path, (NOT_FOUND, b""))
        self._transport.write(head if method == b"HEAD" else head + body)


async def serve(port: int, folder: Path, delay: float) -> None:
    """Serve until ended."""
    answers = load(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(answers, delay), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
