"""One who asks a service, over one connection that is kept; as cheap as can be.

A load is made of many of them, each in a thread of its own.
"""

from __future__ import annotations

import http.client
import json
import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.spec.service import Service

_PATIENCE = 60.0


class Caller:
    """Asks one service; not for two threads."""

    def __init__(self, service: Service) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=_PATIENCE)

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, bytes]:
        """Ask something, and give the status and the body of the answer."""
        body = None if document is None else json.dumps(document)
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def create(self, urls: Sequence[str], **more: Any) -> str:
        """Ask for an archive, and give its hash."""
        status, body = self.ask("POST", "/api/archive/create", {"urls": urls, **more})
        assert status == 202, (status, body)
        archive_hash: str = json.loads(body)["archive_hash"]
        return archive_hash

    def status(self, archive_hash: str, wait: float = 0) -> str:
        """Ask for a job's status, and give the word."""
        status, body = self.ask("GET", f"/api/archive/status/{archive_hash}?wait={wait:g}")
        assert status == 200, (status, body)
        word: str = json.loads(body)["status"]
        return word

    def outcome(self, archive_hash: str, deadline: float) -> str:
        """Wait until a job has ended, or until the deadline, and give its status."""
        while True:
            left = deadline - time.monotonic()
            word = self.status(archive_hash, wait=max(0.0, min(30.0, left)))
            if word != "in-progress" or left <= 0:
                return word

    def archive(self, archive_hash: str) -> bytes:
        """Download an archive."""
        status, body = self.ask("GET", f"/archive/get/{archive_hash}.zip")
        assert status == 200, (status, body)
        return body

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def quantile(values: Sequence[float], of: float) -> float:
    """Give the value that a part of all, say 0.99, does not exceed."""
    return sorted(values)[max(0, math.ceil(of * len(values)) - 1)]
