"""A JSON object is read as any parser reads it, within bounds that hold before it is decoded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.web.json_scan import (
    MAX_DEPTH,
    JsonObject,
    NotJsonError,
    ValueTooLongError,
    without_bom,
)

SPACES = st.text(" \t\r\n", max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)
AMPLE = 10_000
NO_VALUE = "expected a value, then `,` or the end of the list or object"


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0  # type: ignore[call-overload]


def read(body: bytes, *, longest: int = AMPLE, lists: bool = True) -> dict[str, Any]:
    """Read a whole object, lists item by item where `lists`."""
    scan = JsonObject(body, longest=longest)
    found: dict[str, Any] = {}
    for name in scan.members():
        if lists and scan.is_list():
            found[name] = [json.loads(each) for each in scan.items()]
        else:
            found[name] = json.loads(scan.value())
    assert scan.position == len(body)
    return found


def fault(body: bytes, *, longest: int = AMPLE, lists: bool = True) -> str:
    with pytest.raises(NotJsonError) as caught:
        read(body, longest=longest, lists=lists)
    return str(caught.value)


@given(
    st.dictionaries(st.text(), VALUES.filter(lambda each: depth(each) <= MAX_DEPTH), max_size=4),
    st.tuples(st.booleans(), st.booleans()),
    SPACES,
)
def test_an_object_is_read_as_a_parser_reads_it(
    document: dict[str, Any], style: tuple[bool, bool], space: str
) -> None:
    ascii_only, lists = style
    separators = (f"{space},{space}", f"{space}:{space}")
    text = json.dumps(document, ensure_ascii=ascii_only, separators=separators)
    body = f"{space}{text}{space}".encode()
    assert read(body, lists=lists) == document
    assert read(b"\xef\xbb\xbf" + body, lists=lists) == document


def test_a_pass_may_begin_at_a_value_found_before() -> None:
    body = b'{"a": 1, "urls": [1, 2]}'
    scan = JsonObject(body, longest=AMPLE)
    at = {name: (scan.position, scan.value())[0] for name in scan.members()}
    again = JsonObject(body, longest=AMPLE, start=at["urls"])
    assert again.is_list()
    assert list(again.items()) == [b"1", b"2"]
    assert again.position == len(body) - 1


def test_only_what_begins_with_a_brace_is_an_object() -> None:
    assert JsonObject(b" {", longest=AMPLE).is_object()
    assert JsonObject(b"\xef\xbb\xbf {", longest=AMPLE).is_object()
    for other in (b"[]", b"", b'"{"', b"\xbf{"):
        assert not JsonObject(other, longest=AMPLE).is_object()


def test_only_what_begins_with_a_bracket_is_a_list() -> None:
    assert JsonObject(b" [", longest=AMPLE).is_list()
    assert not JsonObject(b"{", longest=AMPLE).is_list()


def test_a_value_is_returned_as_it_stands_without_the_spaces_around_it() -> None:
    scan = JsonObject(b' {"a" : [1,\n {"b": "]"} ] , "c":\t-1e5 } ', longest=AMPLE)
    assert [(name, scan.value()) for name in scan.members()] == [
        ("a", b'[1,\n {"b": "]"} ]'),
        ("c", b"-1e5"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "expected `{` at line 1, column 1"),
        (b"[]", "expected `{` at line 1, column 1"),
        (b"\n\n  x", "expected `{` at line 3, column 3"),
        (b"\n x", "expected `{` at line 2, column 2"),
        (b"{", "expected a name in quotes and `:` at line 1, column 2"),
        (b"{\n a", "expected a name in quotes and `:` at line 2, column 2"),
        (b'{"a" 1}', "expected a name in quotes and `:` at line 1, column 2"),
        (b'{"\\x": 1}', "the name is not a valid string at line 1, column 2"),
        (b'{"a": 1', "expected `,` or `}` at line 1, column 8"),
        (b'{"a": 1 "b"', "expected `,` or `}` at line 1, column 9"),
        (b'{"a": 1,}', "expected a name in quotes and `:` at line 1, column 9"),
        (b'{"a": 1,\n b', "expected a name in quotes and `:` at line 2, column 2"),
        (b'{"a": 1} x', "expected the end at line 1, column 10"),
        (b'{"a": 1}x', "expected the end at line 1, column 9"),
        (b'{"a":\n }', f"{NO_VALUE} at line 2, column 2"),
        (b'{"a": [1, ]}', f"{NO_VALUE} at line 1, column 11"),
        (b'{"a": [1 2]}', f"{NO_VALUE} at line 1, column 8"),
        (b'{"a": [1', f"{NO_VALUE} at line 1, column 8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(body: bytes, reason: str) -> None:
    assert fault(body) == reason


def test_a_list_is_expected_where_its_items_are_asked_for() -> None:
    with pytest.raises(NotJsonError, match=r"expected `\[` at line 1, column 2"):
        next(JsonObject(b" 1", longest=AMPLE).items(), None)


def test_a_pass_begins_at_the_first_byte() -> None:
    assert JsonObject(b"[1]", longest=AMPLE).position == 0


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_a_value_has_a_bounded_number_of_levels() -> None:
    assert MAX_DEPTH == 5
    assert read(b'{"a": %s}' % nested(MAX_DEPTH), lists=False)
    assert read(b'{"a": [%s, 1]}' % nested(MAX_DEPTH))
    reason = f"a value has more than {MAX_DEPTH} levels at line 1, column "
    assert fault(b'{"a": %s}' % nested(MAX_DEPTH + 1), lists=False) == f"{reason}7"
    assert fault(b'{"a": [%s, 1]}' % nested(MAX_DEPTH + 1)) == f"{reason}8"
    assert fault(b'{"a": {"b": %s}}' % nested(MAX_DEPTH), lists=False) == f"{reason}7"


def is_too_long(body: bytes, longest: int, *, lists: bool = True) -> bool:
    try:
        read(body, longest=longest, lists=lists)
    except ValueTooLongError:
        return True
    return False


@pytest.mark.parametrize("value", ["12345", '"abc"', "123  ", "[1,2]"])
def test_a_value_that_reaches_its_longest_length_is_too_long(value: str) -> None:
    """It might go on: so what is allowed is one byte less, counting the spaces around it."""
    body = b'{"a":%s}' % value.encode()
    assert is_too_long(body, 5, lists=False)
    assert not is_too_long(body, 6, lists=False)


def test_an_item_may_be_as_long_as_is_allowed_with_what_ends_it() -> None:
    assert not is_too_long(b'{"a":[1, "xyz", 2]}', 7)
    assert is_too_long(b'{"a":[1, "xyz", 2]}', 6)


def test_a_name_may_be_as_long_as_is_allowed_with_its_colon() -> None:
    assert not is_too_long(b'{"abcd" :1}', 8)
    assert is_too_long(b'{"abcd" :1}', 7)


def test_what_is_cut_off_is_no_json_and_not_too_long() -> None:
    assert "expected a name" in fault(b'{"abcd', longest=5)
    assert "expected a value" in fault(b'{"a":[1,"bcd', longest=4)


def test_spaces_between_may_be_longer_than_any_value() -> None:
    space = b" " * 20
    assert read(space + b'{%s"a":1%s}' % (space, b"  ") + space, longest=5) == {"a": 1}
    assert read(b'{"a":[%s]}' % space, longest=5) == {"a": []}


def test_a_byte_order_mark_is_dropped_once() -> None:
    mark = b"\xef\xbb\xbf"
    assert without_bom(mark + b"{}") == b"{}"
    assert without_bom(b"{}") == b"{}"
    assert without_bom(mark + mark) == mark
