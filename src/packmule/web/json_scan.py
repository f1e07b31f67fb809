"""A JSON object read member by member, and a long list in it item by item, in bounded memory.

Owns the structure around the values (RFC 8259), and the bounds on a value's length and nesting,
which hold before anything is decoded: a document costs no more memory than its bytes. Leaves
decoding each value, whose text it returns, to `pydantic_core`.

One regular expression finds a whole value. It looks no further than the longest value allowed, so
that no other thread waits long for the interpreter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator

Body = bytes | bytearray

MAX_DEPTH = 5
"""Lists and objects that a value may have inside each other; a valid request has 1."""

_BOM = b"\xef\xbb\xbf"
_SPACE = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rb'[^ \t\n\r"\[\]{},:]++'


def _content(depth: int) -> bytes:
    """Return a pattern for what is between two brackets, with so many levels of more brackets."""
    inner = rb'[^"\[\]{}]++|' + _STRING
    if depth:
        inner += rb"|[\[{]" + _content(depth - 1) + rb"[\]}]"
    return rb"(?:" + inner + rb")*+"


_NESTED = rb"[\[{]" + _content(MAX_DEPTH - 1) + rb"[\]}]"
_VALUE = rb"(" + _STRING + rb"|" + _SCALAR + rb"|" + _NESTED + rb")"

_WHOLE_VALUE = re.compile(_SPACE + _VALUE + _SPACE, re.DOTALL)
_ITEM = re.compile(_SPACE + _VALUE + _SPACE + rb"([,\]])", re.DOTALL)
_KEY = re.compile(_SPACE + rb"(" + _STRING + rb")" + _SPACE + rb":" + _SPACE, re.DOTALL)
_BRACKET = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_SPACES = re.compile(_SPACE)


class NotJsonError(ValueError):
    """The text is not a JSON object, or is nested too deeply; the message says where."""


class ValueTooLongError(ValueError):
    """A value is longer than allowed."""


class JsonObject:
    """One pass over the text of a JSON object.

    Iterate over `members`, and at each of them call `value`, or iterate over `items` to the end.
    All raise NotJsonError, and ValueTooLongError for a value of more than `longest` bytes, counting
    the spaces around it.
    """

    def __init__(self, body: Body, *, longest: int, start: int = 0) -> None:
        self._body = body
        self._longest = longest
        self._at = start

    @property
    def position(self) -> int:
        """The byte where the pass is."""
        return self._at

    def members(self) -> Iterator[str]:
        """Iterate over the names of the members."""
        if not self.is_object():
            raise self._fault("expected `{`")
        self._at += 1
        if self._peek() != b"}":
            while True:
                yield self._key()
                if self._peek() != b",":
                    break
                self._at += 1
        if self._peek() != b"}":
            raise self._fault("expected `,` or `}`")
        self._at += 1
        self._skip_space()
        if self._at != len(self._body):
            raise self._fault("expected the end")

    def is_object(self) -> bool:
        """Return whether the text begins as an object does."""
        self._at = len(_BOM) if self._body.startswith(_BOM) else 0
        return self._peek() == b"{"

    def is_list(self) -> bool:
        """Return whether the value that comes next is a list."""
        return self._peek() == b"["

    def value(self) -> bytes:
        """Return the text of the value that comes next."""
        found = _WHOLE_VALUE.match(self._body, self._at, self._at + self._longest)
        if found is None:
            raise self._no_value()
        # A value that the limit cuts off would look whole if it were a number.
        if found.end() == self._at + self._longest:
            raise ValueTooLongError
        self._at = found.end()
        return bytes(found[1])

    def items(self) -> Iterator[bytes]:
        """Iterate over the texts of the items of the list that comes next."""
        if not self.is_list():
            raise self._fault("expected `[`")
        self._at += 1
        if self._peek() == b"]":
            self._at += 1
            return
        is_last = False
        while not is_last:
            found = _ITEM.match(self._body, self._at, self._at + self._longest)
            if found is None:
                raise self._no_value()
            self._at = found.end()
            is_last = found[2] == b"]"
            yield found[1]

    def _key(self) -> str:
        self._skip_space()
        found = _KEY.match(self._body, self._at, self._at + self._longest)
        if found is None:
            if len(self._body) > self._at + self._longest:
                raise ValueTooLongError
            raise self._fault("expected a name in quotes and `:`")
        try:
            key: str = from_json(bytes(found[1]))
        except ValueError as error:
            raise self._fault("the name is not a valid string") from error
        self._at = found.end()
        return key

    def _peek(self) -> bytes:
        self._skip_space()
        return bytes(self._body[self._at : self._at + 1])

    def _skip_space(self) -> None:
        end = self._at
        while self._at == end:
            end = self._at + self._longest
            found = _SPACES.match(self._body, self._at, end)
            self._at = end if found is None else found.end()

    def _no_value(self) -> ValueError:
        self._skip_space()
        end = self._at + self._longest
        if self._is_too_deep(end):
            return self._fault(f"a value has more than {MAX_DEPTH} levels")
        if len(self._body) > end:
            return ValueTooLongError()
        return self._fault("expected a value, then `,` or the end of the list or object")

    def _is_too_deep(self, end: int) -> bool:
        depth = 0
        for found in _BRACKET.finditer(self._body, self._at, end):
            depth += (found[0] in {b"[", b"{"}) - (found[0] in {b"]", b"}"})
            if not 0 < depth <= MAX_DEPTH:
                break
        return depth > MAX_DEPTH

    def _fault(self, reason: str) -> NotJsonError:
        return NotJsonError(f"{reason} at {_place(self._body, self._at)}")


def without_bom(body: Body) -> Body:
    """Return the text without a byte order mark, which parsers may ignore. RFC 8259 8.1."""
    return body.removeprefix(_BOM)


def _place(body: Body, at: int) -> str:
    """Return where a byte is, as people count: from line 1, column 1."""
    line = body.count(b"\n", 0, at) + 1
    column = at - body.rfind(b"\n", 0, at)
    return f"line {line}, column {column}"
