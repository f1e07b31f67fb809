"""The languages of the pages: a table of strings for each, and which one a browser gets.

Owns reading the tables in `languages/` and filling them in. Each file there is one language, named
by its tag (RFC 5646): to add a language, add its file. The page's scripts use the same tables.
Leaves what a page says to the pages. Pure, but for reading the files once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "en"
"""The language where no supported one is requested."""

_KILO: Final = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language: its tag and its strings.

    A string that depends on a count is an object: `one` for a count of 1, `other` for all others.
    """

    tag: str
    strings: Mapping[str, str | Mapping[str, str]]

    def __call__(self, key: str, **values: object) -> str:
        """Return a string with its values filled in; a key that is not in the table is an error."""
        found = self.strings[key]
        if not isinstance(found, str):
            found = found["one" if values["count"] == 1 else "other"]
        return found.format_map(
            {
                name: self.number(each) if isinstance(each, int) else each
                for name, each in values.items()
            }
        )

    def number(self, count: int) -> str:
        """Write an integer with its digits in groups of three."""
        return f"{count:,}".replace(",", self("format.group"))

    def size(self, count: float) -> str:
        """Write a number of bytes for people, in powers of a thousand."""
        if count < _KILO:
            return self("unit.bytes", count=round(count))
        units = ["kB", "MB", "GB", "TB"]
        while units:
            unit = units.pop(0)
            count /= _KILO
            if count < 999.95:  # noqa: PLR2004  # what is rounded to less than 1000
                break
        return f"{count:.1f}".replace(".", self("format.decimal")) + f" {unit}"

    def moment(self, at: str) -> str:
        """Write an ISO 8601 time as a date and a time of day."""
        moment = datetime.fromisoformat(at)
        month = self("format.months").split()[moment.month - 1]
        return self(
            "format.moment",
            day=str(moment.day),
            month=month,
            year=str(moment.year),
            time=f"{moment:%H:%M}",
        )

    def duration(self, seconds: float) -> str:
        """Write a time span in days, in hours below two days, or in minutes below an hour."""
        if seconds < 3600:  # noqa: PLR2004  # an hour
            return self("unit.minutes", count=max(round(seconds / 60), 1))
        if seconds < 2 * 86_400:
            return self("unit.hours", count=round(seconds / 3600))
        return self("unit.days", count=round(seconds / 86_400))


def _read() -> dict[str, Language]:
    folder = files("packmule.web") / "languages"
    tables = {each.name.removesuffix(".json"): each.read_text("utf-8") for each in folder.iterdir()}
    return {tag: Language(tag, json.loads(text)) for tag, text in sorted(tables.items())}


LANGUAGES: Final = _read()
"""All languages by their tags."""


@lru_cache(maxsize=256)
def choose(accept_language: str) -> Language:
    """Return the language that fits an `Accept-Language` best (RFC 9110 12.5.4, RFC 4647 3.4)."""
    for tag in _preferred(accept_language[:_KILO]):
        found = tag
        while found:
            if found in LANGUAGES:
                return LANGUAGES[found]
            found = found.rpartition("-")[0]
    return LANGUAGES[DEFAULT]


def _preferred(accept_language: str) -> list[str]:
    """List the tags, those wanted most first."""
    weighed = []
    for each in accept_language.split(","):
        tag, _, weight = each.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        if quality > 0:
            weighed.append((quality, tag.strip().lower()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]
