"""What a person sees of a job's state: a view, with its title, tone and actions.

The views are in `view_table.json`, for the pages without JavaScript and for the script, which finds
a status document's view in the same way (`static/views.js`; a test compares both). Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    Document = Mapping[str, Any]

TABLE_TEXT: Final = (files("packmule.web") / "view_table.json").read_text("utf-8")
TABLE: Final[dict[str, Any]] = json.loads(TABLE_TEXT)


@dataclass(frozen=True, slots=True)
class View:
    """A view of a job.

    `title` is the key of its string, filled in with `values`. `actions` are what a person can do,
    the most important first. `tone` is `busy`, `good`, `warn`, `bad` or `quiet`.
    """

    name: str
    tone: str
    values: Mapping[str, int]
    actions: tuple[str, ...]

    @property
    def title(self) -> str:
        """The key of the title's string."""
        return f"view.{self.name}"


def view_of(status: Document) -> View:
    """Return the view of a status document."""
    name = _name(status)
    row = TABLE[name]
    return View(
        name,
        row["tone"],
        _values(status),
        tuple(action for action in row["actions"] if _is_possible(action, status)),
    )


def _name(status: Document) -> str:
    match status["status"]:
        case "in-progress":
            return _open_name(status)
        case "completed":
            return "incomplete" if status["missing"] else "ready"
        case "failed":
            return "failed" if status["error"]["code"] == "files-failed" else "broken"
        case ended:
            return ended if ended in TABLE else "unknown"


def _open_name(status: Document) -> str:
    files, size = status["progress"]["files"], status["progress"]["bytes"]
    ended = files["done"] + files["failed"]
    if status.get("finishing") or ended >= files["total"] > 0:
        return "finishing"
    return "packing" if ended or size["done"] else "preparing"


def _counts(status: Document) -> Mapping[str, int]:
    progress = status.get("progress")
    return (progress["files"] if progress else status.get("files")) or {}


def _values(status: Document) -> Mapping[str, int]:
    """Return the values of the title."""
    counts = _counts(status)
    return {"count": counts["total"], "failed": counts["failed"]} if counts else {}


def _is_possible(action: str, status: Document) -> bool:
    if action in {"finish", "finish-now"}:
        return _counts(status)["done"] > 0
    return action != "fix" or bool(status["failures"])
