"""The document of figures: a section for each benchmark, replaced by its next whole run.

Owns the marks around a section; what stands in it is its benchmark's.
"""

import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/benchmarks.md"
TITLE = """\
# Benchmarks

Packmule beside the tools one would otherwise reach for. Each section is written by the command it
names, in one run on one machine; `bench/README.md` says how to make them anew.
"""


def replaced(document: str, name: str, text: str) -> str:
    """Put `text` in the place of the section of that name, or behind the last one. Pure."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    section = f"{begin}\n\n{text.strip()}\n\n{end}"
    old = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if old.search(document):
        return old.sub(lambda _: section, document)
    return f"{(document or TITLE).rstrip()}\n\n{section}\n"


def write(name: str, text: str, document: Path = DOCUMENT) -> None:
    """Write a section into the document, which is made where it is missing."""
    old = document.read_text() if document.exists() else ""
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(replaced(old, name, text))
    print(f"Written: {name}, into {document.name}")
