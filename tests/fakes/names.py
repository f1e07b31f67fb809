"""A name server of our own, and one who asks it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.outbound.resolver import Resolution, Resolver

SOON = 10.0  # seconds that a test waits for another thread before it fails
PUBLIC = "93.184.216.34"  # what a name resolves to unless the script says otherwise


class Names:
    """A name server: answers by script, and keeps silent about a name until it is released."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str] | Exception]] = {}
        self.asked: list[str] = []
        self.silent: dict[str, threading.Event] = {}
        self.begun = threading.Semaphore(0)

    def __call__(self, host: str, port: int) -> list[str]:
        assert port == 443
        self.asked.append(host)
        self.begun.release()
        if host in self.silent:
            assert self.silent[host].wait(SOON)
        script = self.answers.get(host, [[PUBLIC]])
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def keep_silent_about(self, host: str) -> threading.Event:
        """Let look-ups of a name hang; set the event to let them answer."""
        return self.silent.setdefault(host, threading.Event())


class Ear:
    """One who asked: hears each answer, and can wait for the next."""

    def __init__(self) -> None:
        self.heard: list[Resolution] = []
        self._news = threading.Semaphore(0)

    def __call__(self, resolution: Resolution) -> None:
        self.heard.append(resolution)
        self._news.release()

    def next(self) -> Resolution:
        """Wait for the next answer."""
        assert self._news.acquire(timeout=SOON), "no answer"
        return self.heard[-1]


def ask_in_vain(resolver: Resolver, host: str) -> Ear:
    """Ask for what will not be answered at once."""
    ear = Ear()
    assert resolver.resolve(host, 443, ear) is None
    return ear
