"""Where an attack is played: the real program, with its memory and its health watched.

Owns the limits that hold during every attack: how far memory may grow, and how soon `/healthz`
answers. Nothing of the program is imported.
"""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.fakes.origin import Origin
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_GROWTH = 150_000_000
"""Bytes of memory that an attack may cost each process of the service."""

USUAL_SETTINGS = {
    "ALLOW_HOSTS": "*.example.org",
    "ALLOW_ORIGINS": "https://app.example.org",
    "ATTEMPTS": "1",
    "TRANSFERS": "32",
}
"""What serves most attacks."""

HEALTH_CHECK_SECONDS = 0.1
"""Seconds between two questions for the service's health."""


@dataclass(frozen=True)
class Cost:
    """What an attack cost: bytes of memory of the process that grew most, and the slowest answer.

    `seconds` is how long `/healthz` took at most.
    """

    growth: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"memory +{self.growth / 1e6:.0f} MB, /healthz {self.seconds:.2f} s"

    def or_more(self, other: Cost) -> Cost:
        """Return the worse of both."""
        return Cost(max(self.growth, other.growth), max(self.seconds, other.seconds))


@dataclass(frozen=True)
class Attack:
    """One attack. `play` fails with AssertionError if it gets through; `size` scales it.

    `only_without_container` says why it cannot be played on the image; empty if it can.
    """

    name: str
    play: Callable[[Stage, int], None]
    full: int
    small: int
    only_without_container: str = ""


def attack(
    name: str, *, full: int = 1, small: int = 1, only_without_container: str = ""
) -> Callable[[Play], Attack]:
    """Declare an attack: `full` is its size in `make attacks`, `small` in the default suite."""
    return lambda play: Attack(name, play, full, small, only_without_container)


class Stage:
    """What an attack is played on.

    `health_seconds` is how long `/healthz` may take: one second in `make attacks`, where the
    machine is quiet; in the default suite it only notices a service that hangs. `program` makes
    the service of a folder and settings, by default as a process of this machine.
    """

    def __init__(
        self, folder: Path, health_seconds: float, program: Callable[..., Service] = Service
    ) -> None:
        self.folder = folder
        self.cost = Cost()
        self._health_seconds = health_seconds
        self._program = program

    @contextmanager
    def service(
        self,
        disk: str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        **settings: str,
    ) -> Iterator[Service]:
        """Run the program under attack, and check the limits at the end.

        With `disk` its data are on a disk of that size, like "56m". `environment`: other variables
        that it runs with, whole names.
        """
        folder = self.folder / f"service-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        with self._program(folder, **settings) as running:
            if disk is not None:
                running.use_small_disk(disk)
            for name, value in (environment or {}).items():
                earlier = running.environment.get(name)
                running.environment[name] = f"{value}:{earlier}" if earlier else value
            running.start()
            with self.watched(running):
                yield running

    @contextmanager
    def usual_service(self) -> Iterator[Service]:
        """Run the program with the usual settings; an attack does not count on being the first."""
        with self.service(None, environment=None, **USUAL_SETTINGS) as running:
            yield running

    @contextmanager
    def watched(self, running: Service) -> Iterator[None]:
        """Watch a running program, and check the limits at the end."""
        before = _peaks_from_here(running)
        with _Watch(running.port) as watch:
            yield
        growth = max(_peak(process) - memory for process, memory in before.items())
        cost = Cost(growth, watch.longest)
        self.cost = self.cost.or_more(cost)
        assert growth < MAX_GROWTH, str(cost)
        assert watch.longest < self._health_seconds, str(cost)

    @contextmanager
    def origin(self) -> Iterator[Origin]:
        """Run an origin to fetch from."""
        with Origin() as running:
            yield running


if TYPE_CHECKING:
    Play = Callable[[Stage, int], None]


def _peaks_from_here(service: Service) -> dict[int, int]:
    """Reset the kernel's record of each process's peak; return what each has now, in bytes."""
    found = {}
    for process in service.processes():
        Path(f"/proc/{process}/clear_refs").write_text("5")
        found[process] = _peak(process)
    return found


def _peak(process: int) -> int:
    """Return the most memory a process has had since the reset, in bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {process} has ended")


class _Watch:
    """Asks for the service's health again and again, on new connections."""

    def __init__(self, port: int) -> None:
        self.longest = 0.0
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            with suppress(OSError, http.client.HTTPException):
                self._ask()
            self.longest = max(self.longest, time.monotonic() - began)
            if self._over.wait(HEALTH_CHECK_SECONDS):
                return

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == http.client.OK
        finally:
            connection.close()
