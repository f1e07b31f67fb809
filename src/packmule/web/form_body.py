"""A posted form, decoded in bounded memory: its fields, and the lines of its list of links.

Owns the form as browsers post it without files (WHATWG URL 5.1), and its translation into the JSON
of the API. Leaves reading it to `bodies.py`, and every check of what it asks for to `intake.py`.

The list is split while it is still encoded, and its lines are counted before that: decoding
millions of escapes at once takes ten times their size.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from packmule.outbound.link_list import links_of_line
from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.web.bounds import RequestBounds
    from packmule.web.json_scan import Body

MEDIA_TYPE = "application/x-www-form-urlencoded"

LINKS = "links"
_MOST_FIELDS = 20
_LONGEST_FIELD = 64 * 1024
_LONGEST_SHOWN = 2 * 1024 * 1024
"""A list of more bytes is not sent back with its errors; the browser's Back button has it."""

_OTHER_LINES = 1000
_LONGEST_LINE = 1024 * 1024
_LINE_END = re.compile(rb"%0[dD]%0[aA]|%0[aAdD]|\r\n|\r|\n")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


@dataclass(slots=True)
class Form:
    """A form: its fields, and its list of links as it was `encoded`, None if it was not read."""

    fields: dict[str, str]
    encoded: bytes | None = None
    line_numbers: list[int] = field(default_factory=list)
    """Of each link, the number of its line; known after `as_json`."""

    def take(self, other: Form) -> None:
        """Become another form."""
        self.fields, self.encoded = other.fields, other.encoded

    def as_json(self, bounds: RequestBounds) -> bytearray:
        """Return the body of the API's request.

        As many lines as there may be links may be comments or empty. Raises Problem if the list has
        more lines than that, or one is too long.
        """
        body = bytearray(b'{"urls":[')
        for number, line in self._lines(2 * bounds.max_urls + _OTHER_LINES):
            for link in links_of_line(number, line):
                item = {"url": link.url, "name": link.name} if link.name else link.url
                body += b"," if self.line_numbers else b""
                body += json.dumps(item).encode()
                self.line_numbers.append(number)
        body += b"]"
        for key, value in self._options():
            body += f',"{key}":{json.dumps(value)}'.encode()
        body += b"}"
        return body

    def shown(self) -> dict[str, str]:
        """Return the fields to show again, with the list if it was read and is not too long."""
        if self.encoded is None or len(self.encoded) > _LONGEST_SHOWN:
            return self.fields
        return {LINKS: unquote_plus(self.encoded.decode("ascii", "replace")), **self.fields}

    def _lines(self, most: int) -> Iterator[tuple[int, str]]:
        encoded, start, number = self.encoded or b"", 0, 0
        for number, found in enumerate(_LINE_END.finditer(encoded), 1):
            if number > most:
                raise Problem(
                    422, ProblemCode.INVALID, f"The list of links has more than {most} lines."
                )
            yield number, _line(number, encoded[start : found.start()])
            start = found.end()
        yield number + 1, _line(number + 1, encoded[start:])

    def _options(self) -> Iterator[tuple[str, str | int | bool]]:
        for name in ("name", "on_error", "on_html", "compression"):
            if value := self.fields.get(name, "").strip():
                yield name, value
        if manifest := self.fields.get("manifest", ""):
            yield "manifest", True if manifest == "true" else manifest
        for name in ("expires_in", "priority"):
            if _WHOLE_NUMBER.fullmatch(self.fields.get(name, "")):
                yield name, int(self.fields[name])


def read_form(body: Body) -> Form:
    """Split a form into its fields. Raises Problem. Takes milliseconds a megabyte."""
    if body.count(b"&") >= _MOST_FIELDS:
        raise _unreadable(f"it has more than {_MOST_FIELDS} fields")
    form = Form({})
    for pair in body.split(b"&"):
        key, _, value = pair.partition(b"=")
        if len(key) > _LONGEST_FIELD:
            raise _unreadable("the name of a field is too long")
        name = _decoded(key)
        if name == LINKS:
            form.encoded = bytes(value)
        elif len(value) > _LONGEST_FIELD:
            raise _unreadable(f"a field is longer than {_LONGEST_FIELD} bytes")
        elif name:
            form.fields[name] = _decoded(value)
    return form


def read_key(beginning: bytes, *, is_whole: bool) -> str | None:
    """Return the API key that a form begins with, None without one. Raises Problem."""
    whole_fields = beginning if is_whole else beginning.rpartition(b"&")[0]
    return read_form(whole_fields).fields.get("key") or None


def _line(number: int, encoded: bytes) -> str:
    if len(encoded) > _LONGEST_LINE:
        raise Problem(422, ProblemCode.INVALID, f"Line {number} is too long.")
    return _decoded(encoded)


def _decoded(text: Body) -> str:
    try:
        return unquote_plus(text.decode("ascii"), errors="strict")
    except UnicodeError as error:
        raise _unreadable("it is not in UTF-8") from error


def _unreadable(reason: str) -> Problem:
    return Problem(400, ProblemCode.BAD_REQUEST, f"The form cannot be read: {reason}.")
