"""What the processes of a service need: the most memory and descriptors that one ever had."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.spec.service import Service

_LOOK_EVERY = 1.0


@dataclass(slots=True)
class Needs:
    """The most that one process had: bytes in memory, open descriptors."""

    memory: int = 0
    descriptors: int = 0

    def _look(self, process: int) -> None:
        with suppress(OSError):
            folder = Path(f"/proc/{process}")
            status = (folder / "status").read_text()
            lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
            for line in lines:  # none where it is just about to end
                self.memory = max(self.memory, int(line.split()[1]) * 1024)
            self.descriptors = max(self.descriptors, len(list((folder / "fd").iterdir())))

    @contextmanager
    def watching(self, service: Service) -> Iterator[None]:
        """Look at all processes of a service again and again."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(_LOOK_EVERY):
                for process in service.processes():
                    self._look(process)

        thread = threading.Thread(target=look, name="needs", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
