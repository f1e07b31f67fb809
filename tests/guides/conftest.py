"""What the guides are tried with: an origin, and the environment of whoever types."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from tests.fakes.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    """Give an origin; a test uses paths of its own."""
    with Origin() as running:
        yield running


@pytest.fixture(scope="session")
def path() -> str:
    """Give a PATH on which `packmule` is."""
    return os.pathsep.join([f"{sys.prefix}/bin", os.environ["PATH"], "/usr/sbin", "/sbin"])
