"""The start page: the form, and the place where its scripts show a job.

Owns what the server puts into it: the language, what the operator has set, and the styles. They and
one script are inline, so that the first paint needs no second request; the page's policy names them
by their digests (CSP Level 3), and nothing else inline runs. Pure.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from packmule.web.assets import FILES, with_digest
from packmule.web.rendering import render
from packmule.web.security_middleware import CONTENT_SECURITY_POLICY

if TYPE_CHECKING:
    from packmule.web.language import Language

_STYLES: Final = ("page.css", "fields.css", "form.css", "job.css", "files.css")
_EARLY: Final = "early.js"
# Fetched when they are needed: most visits make no QR code.
_LATER: Final = frozenset({_EARLY, "page.js", "qr.js", "qr_codewords.js"})
_SPANS: Final = (3_600, 86_400, 259_200, 604_800)
"""Seconds that an archive can be kept for, as far as the server allows."""

_STYLE: Final = "".join(FILES[name].decode() for name in _STYLES)
_SCRIPT: Final = FILES[_EARLY].decode()


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY: Final = CONTENT_SECURITY_POLICY.replace(
    "style-src 'self'", f"style-src 'self' {_digest(_STYLE)}"
).replace("script-src 'self'", f"script-src 'self' {_digest(_SCRIPT)}")
"""The page's content security policy."""


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What the page says of this server; `retention` is in seconds."""

    max_urls: int
    retention: float
    needs_key: bool


def start_page(language: Language, facts: StartFacts) -> str:
    """Return the page in a language."""
    page = render(
        "start_page.html",
        language,
        facts=facts,
        kept=language.duration(facts.retention),
        options=_options(language, facts),
        modules=_modules(language),
        style=Markup(_STYLE),  # noqa: S704  # our own files
        early=Markup(_SCRIPT),  # noqa: S704
    )
    return with_digest(page)


def _modules(language: Language) -> list[str]:
    """List the modules that the page announces, so that none waits for another to name it.

    Those of the form come first: on a slow line, the form works before those of a job are there.
    """
    strings = f"strings.{language.tag}.js"
    scripts = {each for each in FILES if each.endswith(".js") and not each.startswith("strings.")}
    form = _imported("page.js")
    return [strings, *sorted(scripts - _LATER, key=lambda name: (name not in form, name))]


def _imported(name: str) -> set[str]:
    """List the modules that a module imports, and those that they import."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for each in re.findall(r'from "\./([\w.]+)"', FILES[waiting.pop()].decode()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def _options(language: Language, facts: StartFacts) -> dict[str, dict[str, Any]]:
    """Return the form's choices by field: the label's key, the values, and which is selected."""

    def choice(label: str, **values: str) -> dict[str, Any]:
        found = [(value, language(f"{label}.{key}")) for key, value in values.items()]
        return {"label": label, "offered": found, "selected": found[0][0]}

    spans = [each for each in _SPANS if each < facts.retention]
    kept = [(str(each), language.duration(each)) for each in spans]
    default = ("", language.duration(facts.retention))
    return {
        "on_error": choice("options.on-error", fail="fail", skip="skip"),
        "on_html": choice("options.on-html", report="report", fail="fail"),
        "compression": choice("options.compression", auto="auto", store="store", deflate="deflate"),
        "expires_in": {"label": "options.expires", "offered": [default, *kept], "selected": ""},
        "priority": choice("options.priority", normal="0", high="10", low="-10"),
    }
