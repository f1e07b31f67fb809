"""The running program with small bounds, and an origin that knows none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.bounds.endless import EndlessOrigin
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES = 4_000_000
MAX_ARCHIVE_BYTES = 10_000_000
MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 400_000
MAX_URLS = 50
MAX_URL_LENGTH = 500
LONG_POLLS = 3


@pytest.fixture(scope="session")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give the running program, every bound of it small."""
    with Service(
        tmp_path_factory.mktemp("bounded"),
        MAX_URLS=str(MAX_URLS),
        MAX_URL_LENGTH=str(MAX_URL_LENGTH),
        MAX_BODY_BYTES=str(MAX_BODY_BYTES),
        BODY_TIMEOUT="2 s",
        MAX_HEAD_BYTES=str(MAX_HEAD_BYTES),
        LONG_POLLS=str(LONG_POLLS),
        MAX_FILE_BYTES=str(MAX_FILE_BYTES),
        MAX_ARCHIVE_BYTES=str(MAX_ARCHIVE_BYTES),
        MAX_REDIRECTS="3",
        FILE_TIMEOUT="6 s",
        TRANSFERS="4",
        TRANSFERS_PER_HOST="4",
        ATTEMPTS="2",
        MIN_FREE_BYTES="0",
    ) as running:
        yield running.start()


@pytest.fixture(scope="session")
def endless() -> Iterator[EndlessOrigin]:
    """Give an origin; a test uses paths of its own."""
    with EndlessOrigin() as running:
        yield running
