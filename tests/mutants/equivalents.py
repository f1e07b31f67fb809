"""Mutations that change nothing anybody could see, each reviewed, with its reason.

By target, then by the mutation's name as `make mutants` prints it. One that is no longer made is
reported, so that the list does not outlive the code.
"""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {
    "webhook/retry_schedule": {
        "RetrySchedule._pause: return max(pause, min(asked or 0.0, LONGEST_RETRY_AFTER)):"
        " 0.0 -> -1.0": "no pause is shorter than zero, so neither figure is ever the greater one",
    },
}
