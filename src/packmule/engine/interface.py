"""The port of the engine: tasks that survive everything, run by whoever is alive.

Owns the words and the promises; each backend passes the one suite in `tests/conformance`:

- `defer` joins the caller's transaction: the task exists if and only if the rows do.
- A task runs at least once; a task whose worker died is run again by another.
- `run` returns when asked to stop, after the handlers in work have returned (drain).

What a task means is the handler's business; fencing against a run that was believed dead is the
job store's (every write carries the attempt number).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done. `kind` names the handler, `key` its subject (an archive hash).

    `client` is on whose behalf: an engine may let clients take turns.
    """

    kind: str
    key: str
    priority: int = 0
    delay: float = 0.0
    """Seconds from now before which it is not to run."""
    client: str = ""


@dataclass(frozen=True, slots=True)
class ToDo:
    """A task as one sees it who looks: due in so many seconds, less than 0 where it is overdue.

    `tries` counts how often in a row it was begun.
    """

    kind: str
    due_in: float
    tries: int
    in_work: bool


@dataclass(frozen=True, slots=True)
class Later:
    """A handler's answer: not finished, run the task again in `delay` seconds."""

    delay: float


# A handler gets the key and an event that is set when the worker is to stop soon. None: finished,
# and nothing is left to do for this key. A handler whose run was overtaken by another one answers
# Later: should it be the other's worker that has lost the task, this one is all there is.
Handler = Callable[[str, Event], Later | None]


class Engine(Protocol):
    """Durable tasks over the database that holds the jobs."""

    def defer(self, connection: Connection, task: Task) -> None:
        """Put a task into the queue, in the transaction of `connection`."""

    def run(
        self, handlers: Mapping[str, Handler], *, concurrency: Mapping[str, int], stop: Event
    ) -> None:
        """Run due tasks, at most `concurrency[kind]` of a kind at once, until `stop` is set."""

    def without_task(self, tasks: Sequence[Task]) -> list[Task]:
        """Return those of some tasks of which, by kind and key, none waits and none is in work."""

    def queue_age(self) -> float:
        """Seconds the oldest due task has waited; 0.0 when nothing waits."""

    def to_do(self, key: str) -> tuple[ToDo, ...]:
        """List the tasks of a subject, those in work too, in the order they were put in."""
