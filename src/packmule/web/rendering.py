"""The HTML templates in `templates/`, and the filters they use.

Owns rendering. In HTML everything that is put into a template is escaped; no page has anything
inline, so the content security policy needs no exception. Leaves to the callers what a page says.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

_MARKUP = re.compile(r"`([^`]*)`|\[([^\]]+)\]\((#[^)]+)\)")


def render(template: str, **values: Any) -> str:
    """Fill a template in. A value that the template needs and does not get is an error."""
    return _environment.get_template(template).render(values)


def _inline(text: str) -> Markup:
    """Turn the Markdown of a sentence into HTML: `code`, and links within the page."""
    done, parts = 0, []
    for found in _MARKUP.finditer(text):
        code, words, target = found.groups()
        parts.append(escape(text[done : found.start()]))
        if code is not None:
            parts.append(Markup("<code>{}</code>").format(code))
        else:
            parts.append(Markup('<a href="{}">{}</a>').format(target, words))
        done = found.end()
    return Markup("").join([*parts, escape(text[done:])])


def _number(count: int) -> str:
    return f"{count:,}"


def _moment(at: str) -> str:
    return f"{datetime.fromisoformat(at):%-d %B %Y, %H:%M} UTC"


def size(count: float) -> str:
    """Write a number of bytes for people, in powers of a thousand."""
    if count < 1000:  # noqa: PLR2004  # the step between two units
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95:  # noqa: PLR2004  # what is rounded to less than 1000
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"


_environment = Environment(
    loader=PackageLoader("packmule.web"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_environment.filters |= {"inline": _inline, "number": _number, "moment": _moment, "size": size}
