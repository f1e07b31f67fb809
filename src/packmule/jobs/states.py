"""The life of a job in words: each state, each change between two, who makes it and why.

Owns the page docs/states.md, which is written from here; a test holds it to `model.TRANSITIONS`,
which is the law, and to the methods of the job store.
"""

from __future__ import annotations

from typing import NamedTuple

from packmule.jobs.model import TRANSITIONS, JobState

# Of each state: what the API calls it, and what it means.
STATES: dict[JobState, tuple[str, str]] = {
    JobState.QUEUED: (
        "in-progress",
        "accepted, durable, and not begun; or to be tried again",
    ),
    JobState.RUNNING: (
        "in-progress",
        "a worker has begun it; it stays so over kills and restarts, until a worker has ended it",
    ),
    JobState.COMPLETED: ("completed", "the archive is whole and can be downloaded"),
    JobState.FAILED: ("failed", "there is no archive; what was fetched is kept for a retry"),
    JobState.CANCELLED: ("cancelled", "there is no archive, and nothing is kept of it"),
    JobState.EXPIRED: ("expired", "archive, scratch and list of files are gone; for good"),
}


class Change(NamedTuple):
    """A change of state: the method of the job store that makes it, who asks for it, and when."""

    before: JobState
    after: JobState
    method: str
    who: str
    when: str


CHANGES = (
    Change(JobState.QUEUED, JobState.RUNNING, "begin", "worker", "its turn has come"),
    Change(JobState.QUEUED, JobState.CANCELLED, "cancel", "client", "cancel, or delete"),
    Change(
        JobState.RUNNING,
        JobState.RUNNING,
        "begin",
        "worker",
        "the run before was stopped, killed or is frozen: a higher attempt takes the job over",
    ),
    Change(
        JobState.RUNNING,
        JobState.COMPLETED,
        "complete",
        "worker",
        "every file is done or left out (`on_error: skip`, or finish), and the archive is "
        "published",
    ),
    Change(
        JobState.RUNNING,
        JobState.FAILED,
        "fail",
        "worker",
        "files failed for good (`on_error: fail`), all of them did, or the disk, storage or a "
        "limit forbids the archive",
    ),
    Change(
        JobState.RUNNING,
        JobState.CANCELLED,
        "cancel",
        "client",
        "cancel, or delete; the run hears of it within a second",
    ),
    Change(
        JobState.FAILED,
        JobState.QUEUED,
        "retry",
        "client",
        "retry; only what failed is fetched. Or finish (`finish`), which fetches nothing",
    ),
    Change(
        JobState.FAILED, JobState.EXPIRED, "expire", "worker, client", "its time is over; or delete"
    ),
    Change(
        JobState.COMPLETED,
        JobState.EXPIRED,
        "expire",
        "worker, client",
        "its time is over, or the disk runs short; or delete",
    ),
    Change(
        JobState.CANCELLED,
        JobState.EXPIRED,
        "expire",
        "worker, client",
        "its time is over; or delete",
    ),
)


def as_markdown() -> str:
    """Write diagram and tables as docs/states.md shows them."""
    return "\n".join(["```mermaid", *_diagram(), "```", "", *_states(), "", *_changes()])


def _diagram() -> list[str]:
    arrows = [f"    {each.before} --> {each.after}: {each.method}" for each in CHANGES]
    return ["stateDiagram-v2", f"    [*] --> {JobState.QUEUED}: create", *arrows]


def _states() -> list[str]:
    rows = [
        f"| `{state}` | `{told}` | {meaning} | {_listed(state)} |"
        for state, (told, meaning) in STATES.items()
    ]
    return ["| state | status | what it means | what may follow |", "|---|---|---|---|", *rows]


def _listed(state: JobState) -> str:
    """List what may follow, from the law itself."""
    after = TRANSITIONS[state]
    return ", ".join(f"`{each}`" for each in JobState if each in after) or "nothing"


def _changes() -> list[str]:
    rows = [
        f"| `{each.before}` | `{each.after}` | `{each.method}` | {each.who} | {each.when} |"
        for each in CHANGES
    ]
    return ["| from | to | method | asked for by | when |", "|---|---|---|---|---|", *rows]
