"""Text that someone else wrote: a response header, an object store's error, a server's answer.

Owns the two rules by which it becomes part of a message: on one line, without anything that a
terminal or a page would act on, and no longer than a message may be. Pure, standard library only.
"""

from __future__ import annotations

from typing import Final

MAX_QUOTED: Final = 80
"""Characters of a foreign value inside a sentence."""


def printable(text: str) -> str:
    """Return the text with U+FFFD for each character that cannot be seen.

    Among them are control characters and so terminal escapes and line breaks, bidirectional
    overrides, zero-width characters and lone surrogates (Unicode's C and Z categories).
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def clipped(text: str, most: int = MAX_QUOTED) -> str:
    """Return the text, printable and at most so many characters long; an ellipsis ends a cut."""
    # Cut first: a long text costs no more than a short one.
    short = text if len(text) <= most else text[: most - 1] + "…"
    return printable(short)
