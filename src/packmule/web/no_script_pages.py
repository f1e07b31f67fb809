"""The pages that work without JavaScript: the form with its errors, and a job's page.

Owns what each page says. Leaves the HTML to the templates, which escape every value, and requests
and responses to `no_script_routes.py`. With JavaScript the page in `static/` is used instead. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packmule.web.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Document = Mapping[str, Any]

MOST_NAMED = 200
"""Failed files that a page names; the API has them all."""

_HEADLINES = {
    "in-progress": "Packing",
    "completed": "The archive is ready",
    "failed": "The archive could not be made",
    "cancelled": "Cancelled",
    "expired": "The archive has been removed",
}
_SHOWN = ("links", "name")


def form_page(fields: Mapping[str, str], errors: Sequence[str], *, asks_for_key: bool) -> str:
    """Return the form as it was filled in, with what is wrong with it."""
    return render(
        "no_script_form.html",
        title="Not asked for yet",
        up="",
        errors=errors,
        fields={name: fields.get(name, "") for name in _SHOWN},
        # The key is a secret: it is typed again rather than sent back.
        hidden={name: fields[name] for name in fields if name not in {*_SHOWN, "key"}},
        asks_for_key=asks_for_key,
    )


def job_page(hash_: str, job: Document, *, reloads: bool) -> str:
    """Return a job's page; `reloads` says whether the browser will load it again by itself."""
    return render(
        "no_script_job.html",
        title=_HEADLINES[job["status"]],
        up="../",
        hash=hash_,
        job=job,
        reloads=reloads,
        most_named=MOST_NAMED,
    )


def problem_page(problem: Document, *, up: str, asks_for_key: bool = False) -> str:
    """Return an API error as a page for people.

    With `asks_for_key` the page takes a key and posts to its own address once more.
    """
    return render(
        "no_script_problem.html",
        title=problem["title"],
        up=up,
        problem=problem,
        asks_for_key=asks_for_key,
    )
