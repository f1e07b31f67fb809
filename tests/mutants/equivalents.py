"""Mutations that change nothing anybody could see, each reviewed, with its reason.

By target, then by the mutation's name as `make mutants` prints it. One that is no longer made is
reported, so that the list does not outlive the code.
"""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
