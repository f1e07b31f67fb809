"""The pages without JavaScript: a job's page that reloads itself, and the form with what was wrong.

Owns their HTML. Pure: documents of the API in, text out, everything foreign escaped. Leaves who
asks and what is answered to `no_script_routes.py`. Whoever has JavaScript meets the page in
`static/` instead.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Document = Mapping[str, Any]

MOST_NAMED = 200
"""Failed files that a page names; the API has them all."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: Packmule</title>
<link rel="icon" href="{up}static/icon.svg">
<link rel="stylesheet" href="{up}static/page.css">
<link rel="stylesheet" href="{up}static/fields.css">
<link rel="stylesheet" href="{up}static/form.css">
<link rel="stylesheet" href="{up}static/job.css">
</head>
<body>
<header>
<a class="mark" href="{home}" aria-label="Packmule: new archive">
<img src="{up}static/icon.svg" alt="" width="36" height="36"></a>
<div><h1>Packmule</h1><p>Paste links, get one ZIP archive.</p></div>
</header>
<main>
{content}
</main>
</body>
</html>
"""

_FORM = """\
<form id="ask" action="archives" method="post">
<div class="refused" role="alert">{errors}</div>
<label for="links">Links, one a line</label>
<textarea id="links" name="links" rows="9" spellcheck="false" wrap="off">
{links}</textarea>
<label for="name">Name of the archive <span class="quiet">(may be left empty)</span></label>
<input id="name" name="name" type="text" maxlength="255" value="{name}">
{hidden}
{key}
<button type="submit" id="make">Make the archive</button>
</form>
"""

_KEY = """\
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="off">
"""

_KEY_FORM = f"""\
<form method="post">
{_KEY}
<p><button type="submit">Use this key</button></p>
</form>
"""

_HEADLINES = {
    "in-progress": "Packing",
    "completed": "The archive is ready",
    "failed": "The archive could not be made",
    "cancelled": "Cancelled",
    "expired": "The archive has been removed",
}


def form_page(fields: Mapping[str, str], errors: Sequence[str], *, asks_for_key: bool) -> str:
    """Write the form once more, as it was filled in, with what is wrong with it."""
    kept = (name for name in fields if name not in {"links", "name", "key"})
    content = _FORM.format(
        errors=_list(errors),
        links=escape(fields.get("links", "")),
        name=escape(fields.get("name", "")),
        hidden="\n".join(_hidden(name, fields[name]) for name in kept),
        key=_KEY if asks_for_key else "",
    )
    return _page("Not asked for yet", content, up="", home="./")


def job_page(hash_: str, status: Document, *, reloads: bool) -> str:
    """Write a job's page; `reloads` tells whether the answer asks to be loaded again."""
    state = status["status"]
    parts = [
        '<section id="job" aria-labelledby="job-state">',
        f'<h2 id="job-state">{_HEADLINES[state]}</h2>',
        *_told(hash_, status, reloads=reloads),
        '<div class="buttons">',
        *_buttons(hash_, status),
        '<a class="button second" href="../">New archive</a>',
        "</div>",
        *_failures("What is missing, and why", status.get("missing", ())),
        *_failures("What failed, and why", status.get("failures", ())),
        "</section>",
    ]
    return _page(_HEADLINES[state], "\n".join(parts), up="../", home="../")


def problem_page(problem: Document, *, up: str, asks_for_key: bool = False) -> str:
    """Write what an answer of the API that is an error means to a person.

    With `asks_for_key` the page takes a key and posts to its own address once more.
    """
    content = [
        f'<section id="job"><h2>{escape(problem["title"])}</h2><p>{escape(problem["detail"])}</p>',
        _KEY_FORM if asks_for_key else "",
        f'<p><a class="button second" href="{up or "./"}">New archive</a></p></section>',
    ]
    return _page(problem["title"], "\n".join(content), up=up, home=up or "./")


def _page(title: str, content: str, *, up: str, home: str) -> str:
    return _PAGE.format(title=escape(title), content=content, up=up, home=home)


def _told(hash_: str, status: Document, *, reloads: bool) -> Iterable[str]:
    match status["status"]:
        case "in-progress":
            yield from _progress(status["progress"])
            yield _reloading(reloads=reloads)
        case "completed":
            yield from _archive(hash_, status)
        case "failed":
            yield f"<p>{escape(status['error']['detail'].removesuffix('.'))}.</p>"


def _buttons(hash_: str, status: Document) -> Iterable[str]:
    match status["status"]:
        case "in-progress":
            yield _button(hash_, "cancel", "Cancel", kind="second")
        case "failed":
            yield _button(hash_, "retry", "Try again")
            if status["error"]["code"] == "files-failed":
                yield _button(hash_, "skip", "Finish without these files", kind="second")


def _progress(progress: Document) -> Iterable[str]:
    files, amount = progress["files"], progress["bytes"]
    ended = files["done"] + files["failed"]
    reached = f'max="{files["total"]}" value="{ended}"'
    yield f'<progress aria-labelledby="job-state" {reached}></progress>'
    failed = f", {files['failed']:,} could not be fetched" if files["failed"] else ""
    size = _size(amount["done"])
    of = f" of {_size(amount['total'])}" if amount["total"] else ""
    yield f"<p>{files['done']:,} of {files['total']:,} files{failed}, {size}{of}.</p>"


def _reloading(*, reloads: bool) -> str:
    if reloads:
        return (
            '<p class="quiet">This page reloads by itself. <a href="?still">Stop reloading</a></p>'
        )
    return '<p class="quiet"><a href="?">Reload</a></p>'


def _archive(hash_: str, status: Document) -> Iterable[str]:
    until = datetime.fromisoformat(status["expires_at"])
    yield (
        f'<p><a class="button" href="../archive/get/{hash_}.zip">'
        f"Download, {_size(status['size'])}</a></p>"
    )
    yield f"<p>The link, for others: <code>{escape(status['url'])}</code></p>"
    yield f'<p class="quiet">Kept until {until:%-d %B %Y, %H:%M} UTC.</p>'


def _failures(title: str, failures: Sequence[Document]) -> Iterable[str]:
    if not failures:
        return
    yield f"<h3>{title}</h3><ul>"
    for each in failures[:MOST_NAMED]:
        yield f"<li><code>{escape(each['url'])}</code>: {escape(each['detail'])}</li>"
    yield "</ul>"
    if len(failures) > MOST_NAMED:
        yield f'<p class="quiet">These are the first {MOST_NAMED}.</p>'


def _button(hash_: str, action: str, text: str, *, kind: str = "") -> str:
    return (
        f'<form action="{hash_}/{action}" method="post">'
        f'<button type="submit" class="{kind}">{text}</button></form>'
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def _list(errors: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in errors)}</ul>"


def _size(count: float) -> str:
    """Write bytes as people do, in powers of a thousand."""
    if count < 1000:  # noqa: PLR2004  # the step between two units
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95:  # noqa: PLR2004  # rounded, it is below 1000
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"
