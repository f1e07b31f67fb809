"""The HTML templates in `templates/`, and the filters they use.

Owns rendering. In HTML everything that is put into a template is escaped; no page has anything
inline, so the content security policy needs no exception. Leaves to the callers what a page says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from packmule.web.language import Language

_MARKUP = re.compile(r"`([^`]*)`|\[([^\]]+)\]\((#[^)]+)\)")


def render(template: str, language: Language | None = None, **values: Any) -> str:
    """Fill a template in. A value that the template needs and does not get is an error.

    With a `language`, `t` is a string of its table, `lang` its tag, and `number`, `size` and
    `moment` write as it does.
    """
    if language is not None:
        values |= {
            "t": language,
            "lang": language.tag,
            "number": language.number,
            "size": language.size,
            "moment": language.moment,
        }
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


_environment = Environment(
    loader=PackageLoader("packmule.web"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_environment.filters["inline"] = _inline
