"""The pages that work without JavaScript: the form with its errors, and a job's page.

Owns what each page says. Leaves the HTML to the templates, which escape every value, the states to
`views.py`, and requests and responses to `no_script_routes.py`. With JavaScript the page in
`static/` is used instead. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from packmule.web.rendering import render
from packmule.web.views import view_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packmule.web.language import Language

    Document = Mapping[str, Any]

MOST_NAMED: Final = 200
"""Failed files that a page names; the API has them all."""

FORMS: Final = {"finish": "finish", "finish-now": "finish", "cancel": "cancel", "retry": "retry"}
"""Actions that are a form of the page, and where it is posted to."""

NEED_SCRIPT: Final = frozenset({"again", "edit", "fix", "missing"})
"""Actions that need the list as it was typed, which only the script has."""

_SHOWN: Final = ("links", "name")


def form_page(
    language: Language, fields: Mapping[str, str], errors: Sequence[str], *, asks_for_key: bool
) -> str:
    """Return the form as it was filled in, with what is wrong with it."""
    return render(
        "no_script_form.html",
        language,
        title=language("ask.title"),
        up="",
        errors=errors,
        fields={name: fields.get(name, "") for name in _SHOWN},
        # The key is a secret: it is typed again rather than sent back.
        hidden={name: fields[name] for name in fields if name not in {*_SHOWN, "key"}},
        asks_for_key=asks_for_key,
    )


def job_page(language: Language, hash_: str, job: Document, *, reloads: bool) -> str:
    """Return a job's page; `reloads` says whether the browser will load it again by itself."""
    view = view_of(job)
    return render(
        "no_script_job.html",
        language,
        title=language(view.title, **view.values),
        view=view,
        buttons=[
            (FORMS[each], language(f"action.{each}", count=_count(each, job)))
            for each in view.actions
            if each in FORMS
        ],
        up="../",
        hash=hash_,
        job=job,
        reloads=reloads,
        most_named=MOST_NAMED,
    )


def _count(action: str, job: Document) -> int:
    """Return how many files an action is about."""
    files = job.get("files") or job["progress"]["files"]
    return int(files["failed" if action == "retry" else "done"])


def problem_page(
    language: Language, problem: Document, *, up: str, asks_for_key: bool = False
) -> str:
    """Return an API error as a page for people.

    With `asks_for_key` the page takes a key and posts to its own address once more.
    """
    return render(
        "no_script_problem.html",
        language,
        title=problem["title"],
        up=up,
        problem=problem,
        asks_for_key=asks_for_key,
    )
