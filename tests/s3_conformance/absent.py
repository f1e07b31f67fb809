"""Why a store cannot be had on this machine."""

from __future__ import annotations


class Absent(Exception):
    """It cannot be had here; the message says why."""
