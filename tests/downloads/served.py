"""A completed archive and the real program that hands it out.

Owns making it and what is right: the bytes as storage has them.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fakes.origin import Origin
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Served:
    """An archive: where it is asked for, and the file that its bytes are in."""

    service: Service
    hash: str
    file: Path

    @property
    def path(self) -> str:
        """Give the path of its address."""
        return f"/archive/get/{self.hash}.zip"

    def url(self, port: int | None = None) -> str:
        """Give its address, or the one through a proxy on this port."""
        return f"http://127.0.0.1:{port or self.service.port}{self.path}"


@contextmanager
def serving(folder: Path, size: int, **settings: str) -> Iterator[Served]:
    """Run the service with an archive of one file of this size, which cannot be guessed."""
    piece = random.Random(size).randbytes(MIB)
    # No mebibyte is like another, so that bytes from a wrong place are seen.
    body = b"".join(
        at.to_bytes(8, "big") + piece[8 : min(MIB, size - at)] for at in range(0, size, MIB)
    )
    with Origin() as origin, Service(folder, ATTEMPTS="2", **settings) as service:
        service.start()
        hash_ = service.completed(origin.put("/body.bin", body), name="body.zip")
        file = folder / "data" / "archives" / hash_[:2] / f"{hash_}.zip"
        yield Served(service, hash_, file)
