"""All scripts of the table."""

from __future__ import annotations

from tests.faults import healing, lasting
from tests.faults.register import REFUSED, SCRIPTS, SLOW, objects

__all__ = ["REFUSED", "SCRIPTS", "SLOW", "healing", "lasting", "objects"]
