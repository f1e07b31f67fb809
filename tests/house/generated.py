"""Documents with a part that the code writes: between `<!-- begin: … -->` and `<!-- end -->`.

Owns comparing that part with what the code says, and with `UPDATE_DOCS=1` writing it anew.
"""

from __future__ import annotations

import os
import re

from tests.house.tree import ROOT, read

_MADE = re.compile(r"(?<=\n)(<!-- begin: [^\n]*-->\n).*?(<!-- end -->\n)", re.DOTALL)


def assert_holds(document: str, text: str, *, suite: str) -> None:
    """Hold a document to what the code says; `suite` is where the test stands that does so."""
    now = read(document)
    assert _MADE.search(now)
    made = _MADE.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", now)
    if os.environ.get("UPDATE_DOCS") == "1":
        (ROOT / document).write_text(made, encoding="utf-8")
        return
    assert now == made, f"run UPDATE_DOCS=1 make test ARGS={suite}"
