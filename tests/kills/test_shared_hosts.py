"""Two workers and one origin: its limit and its pause hold for both together."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pytest
from tests.kills.workers import Site

from packmule.jobs.model import JobState

if TYPE_CHECKING:
    from pathlib import Path

# Two workers agree about once a second, which a busy machine does not keep.
pytestmark = pytest.mark.long

LIMIT = 4
FILES = 24


class CountingOrigin:
    """Answers each request after a moment, and counts how many are open at once.

    With `busy_at` it answers that request, and no other, with 429 and a pause of `PAUSE` seconds.
    """

    PAUSE = 5.0

    def __init__(self, busy_at: int = 0) -> None:
        self._busy_at = busy_at
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.jobs: set[str] = set()
        self.open = self.most = self.asked = 0
        self.asked_at: list[float] = []
        self.busy_since = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while (head := self._head(connection)) is not None:
                with self._lock:
                    self.jobs.add(head.split("/")[1])
                    self.asked += 1
                    self.asked_at.append(time.monotonic())
                    self.open += 1
                    self.most = max(self.most, self.open)
                    is_busy = self.asked == self._busy_at
                if is_busy:
                    self.busy_since = time.monotonic()
                    answer = f"429 .\r\nRetry-After: {self.PAUSE:.0f}\r\nContent-Length: 0\r\n\r\n"
                else:
                    time.sleep(0.3)
                    answer = "200 OK\r\nContent-Length: 4\r\n\r\nbody"
                with self._lock:
                    self.open -= 1
                connection.sendall(f"HTTP/1.1 {answer}".encode())

    def _head(self, connection: socket.socket) -> str | None:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65_536)
            if not piece:
                return None
            received += piece
        return received.decode("latin-1")


def fetched_by_two_workers(folder: Path, origin: CountingOrigin) -> None:
    """Have two workers fetch a job each."""
    with Site(folder, CONCURRENT_JOBS="1", TRANSFERS_PER_HOST=str(LIMIT)) as site:
        jobs = [
            site.create([f"{origin.url}/{job}/{n}.bin" for n in range(FILES)]) for job in range(2)
        ]
        site.worker_of_the_program()
        site.worker_of_the_program()
        states = [site.ended(key).state for key in jobs]
        assert states == [JobState.COMPLETED] * 2, site.log


@pytest.mark.timeout(200)
def test_the_limit_of_a_host_holds_for_two_workers_together(tmp_path: Path) -> None:
    with CountingOrigin() as origin:
        fetched_by_two_workers(tmp_path, origin)
        assert origin.asked == 2 * FILES
        assert 1 < origin.most <= LIMIT


@pytest.mark.timeout(200)
def test_a_pause_holds_for_both_workers(tmp_path: Path) -> None:
    with CountingOrigin(busy_at=2 * LIMIT) as origin:
        fetched_by_two_workers(tmp_path, origin)
        assert origin.busy_since
        settled = origin.busy_since + 2.0  # by then the other worker knows
        over = origin.busy_since + origin.PAUSE
        assert not [at for at in origin.asked_at if settled < at < over - 0.1]
