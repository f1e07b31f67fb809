"""What the guides are tried with: an origin, and the environment of whoever types."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture(scope="session")
def path() -> str:
    """Give a PATH on which `packmule` is."""
    return os.pathsep.join([f"{sys.prefix}/bin", os.environ["PATH"], "/usr/sbin", "/sbin"])
