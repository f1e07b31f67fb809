"""A body becomes a job's request, or a problem that points at each invalid item."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.jobs.expected import Expected
from packmule.jobs.model import Compression, JobRequest, Manifest, OnError, Source
from packmule.outbound.addresses import AddressRules
from packmule.web.bounds import RequestBounds
from packmule.web.intake import job_request, parse
from packmule.web.problems import Problem
from packmule.web.schema import RetryIn

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = AddressRules()
LINK = "https://example.com/a.png"
T = TypeVar("T")


def read(body: Any, key: str | None = None, **bounds: Any) -> JobRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return job_request(raw, [] if key is None else [key], RULES, RequestBounds(**bounds))


def refused(body: Any, **bounds: Any) -> Problem:
    with pytest.raises(Problem) as problem:
        read(body, **bounds)
    return problem.value


def pointers(body: Any, **bounds: Any) -> list[str]:
    return [each["pointer"] for each in refused(body, **bounds).more["errors"]]


def test_a_list_of_links_is_a_request_with_the_defaults() -> None:
    assert read({"urls": [LINK]}) == JobRequest((Source(0, LINK),))


def test_every_field_is_kept() -> None:
    body = {
        "urls": [LINK, {"url": LINK, "name": "x/y.png"}, {"url": LINK, "name": None}],
        "name": "holiday.zip",
        "on_error": "skip",
        "compression": "deflate",
        "webhook_url": None,
        "expires_in": 60,
        "priority": -5,
    }
    assert read(body, key="k") == JobRequest(
        sources=(Source(0, LINK), Source(1, LINK, "x/y.png"), Source(2, LINK)),
        name="holiday.zip",
        on_error=OnError.SKIP,
        compression=Compression.DEFLATE,
        expires_in=60.0,
        priority=-5,
        idempotency_key="k",
    )


def test_a_link_is_kept_as_the_caller_gave_it() -> None:
    link = "HTTPS://Example.COM:443/ü a?x=<1>#top"
    assert read({"urls": [link]}).sources[0].url == link


@pytest.mark.parametrize(("name", "kept"), [("a", "a.zip"), ("a.zip", "a.zip"), ("A.ZIP", "A.ZIP")])
def test_an_archive_is_always_named_as_one(name: str, kept: str) -> None:
    assert read({"urls": [LINK], "name": name}).name == kept


def test_an_error_of_an_item_points_at_the_item_and_not_at_the_forms_tried() -> None:
    body = {"urls": [LINK, 5, {"url": 5}, {"nmae": "x", "url": LINK}]}
    assert pointers(body) == ["/urls/1", "/urls/2/url", "/urls/3/nmae"]


def test_wrong_structure_and_bad_links_are_told_at_once_in_their_order() -> None:
    body = {"urls": ["a", 5, LINK, {"url": "b", "x": 1}], "name": 5, "zzz": 1}
    assert pointers(body) == ["/name", "/urls/0", "/urls/1", "/urls/3/x", "/urls/3/url", "/zzz"]


def test_no_more_links_than_the_bound() -> None:
    assert len(read({"urls": [LINK] * 3}, max_urls=3).sources) == 3
    assert pointers({"urls": [LINK] * 4}, max_urls=3) == ["/urls"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"urls": [1] * 200_000}, "/urls"),
        ({"urls": [{}] * 200_000}, "/urls"),
        ({"urls": [LINK], **dict.fromkeys(map(str, range(20_000)), 1)}, ""),
        ({"urls": [LINK, {"url": LINK, **dict.fromkeys(map(str, range(20_000)), 1)}]}, "/urls/1"),
        ({"urls": [LINK], "zzz": [1] * 200_000}, "/zzz"),
        ({"urls": [LINK, "x" * 2_000_000]}, "/urls/1"),
        ({"urls": [LINK, {"url": LINK, "name": "x" * 2_000_000}]}, "/urls/1"),
        ({"urls": [LINK, [1] * 200_000]}, "/urls/1"),
        ({"urls": [LINK, 10**4000]}, "/urls/1"),
        ({"urls": [LINK], "x" * 2_000_000: 1}, ""),
        (b'{"urls": ["%s"]%s}' % (LINK.encode(), b', "name": "a"' * 100_000), ""),
        ([1] * 1_000_000, ""),
    ],
    ids=[
        "values",
        "objects",
        "fields",
        "fields of a link",
        "a long field",
        "a long link",
        "a long name",
        "a list of values",
        "a long number",
        "a long field name",
        "one field many times",
        "a list",
    ],
)
def test_a_body_of_endless_faults_gets_one_error(body: Any, pointer: str) -> None:
    assert pointers(body) == [pointer]


def test_validation_stops_at_the_last_error_that_is_told() -> None:
    urls_ = [{"url": LINK, "a": 1, "b": 2, "c": 3}] * 9000 + [b"nonsense"]
    raw = b'{"urls": [%s]}' % b",".join(
        each if isinstance(each, bytes) else json.dumps(each).encode() for each in urls_
    )
    assert len(pointers(raw)) == 50
    assert refused(raw).detail == (
        "The request has 50 errors or more; `errors` lists the first ones."
    )


def test_links_are_counted_before_one_of_them_is_decoded() -> None:
    assert pointers(b'{"urls": [nonsense, 2, 3, 4]}', max_urls=3) == ["/urls"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xef\xbb\xbf",
        b"{",
        b'{"urls"}',
        b'{"urls": ["%s"]' % LINK.encode(),
        b'{"urls": ["%s",]}' % LINK.encode(),
        b'{"urls": ["%s"]}}' % LINK.encode(),
        b'{"urls": [nonsense]}',
        b'{"urls": [NaN]}',
        b'{"urls": ["\\x"]}',
        b'{"urls": ["%s"], "zzz": [[[[[[1]]]]]]}' % LINK.encode(),
        b"[" * 1_000_000,
        '{"urls": []}'.encode("utf-16"),
    ],
)
def test_what_is_not_json_is_400(body: bytes) -> None:
    assert (refused(body).status, refused(body).code) == (400, "not-json")


def test_a_fault_in_the_json_is_told_with_its_place() -> None:
    assert refused(b'{\n "urls": [],\n "name" 5}').detail == (
        "The body is not valid JSON: expected a name in quotes and `:` at line 3, column 2."
    )


def test_a_body_may_start_with_a_byte_order_mark() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"urls": [LINK]}).encode()
    assert read(body) == JobRequest((Source(0, LINK),))
    assert parse(b'\xef\xbb\xbf{"on_error": "skip"}', RetryIn).on_error is OnError.SKIP


def test_what_is_there_twice_is_refused() -> None:
    assert pointers(b'{"urls": ["%s"], "urls": ["x"], "zzz": 1, "zzz": 2}' % LINK.encode()) == [
        "/urls",
        "/urls/0",
        "/zzz",
        "/zzz",
    ]


def test_a_number_of_invalid_links_is_told_beside_that_of_all() -> None:
    body = {"urls": [LINK, "a", {"url": 5, "zzz": 1}]}
    assert refused(body).detail == "2 of 3 links are invalid; `errors` lists them."
    assert refused(body | {"zzz": 1}).detail == "The request has 4 errors; `errors` lists them."


def test_a_body_that_is_handed_over_is_emptied() -> None:
    body = bytearray(json.dumps({"urls": [LINK]}).encode())
    assert job_request(body, [], RULES, RequestBounds()).sources
    assert body == b""


@pytest.mark.parametrize("name", ["\0", "a\0b", "\0a", "a\n\0"])
def test_a_name_that_no_database_can_hold_is_refused(name: str) -> None:
    assert pointers({"urls": [LINK, {"url": LINK, "name": name}]}) == ["/urls/1/name"]
    assert pointers({"urls": [LINK], "name": name}) == ["/name"]


@pytest.mark.parametrize("name", ["\n", "a\x01b", "\ufffe", "\U0010ffff", "\x85"])
def test_a_name_may_have_any_other_character(name: str) -> None:
    assert read({"urls": [{"url": LINK, "name": name}]}).sources[0].name == name


@pytest.mark.parametrize("half", [rb"\ud800", rb"\udc00", b"\xed\xa0\x80"])
def test_half_a_character_is_no_json(half: bytes) -> None:
    assert refused(b'{"urls": [{"url": "%s", "name": "%s"}]}' % (LINK.encode(), half)).status == 400


def test_no_longer_kept_than_the_bound() -> None:
    assert read({"urls": [LINK], "expires_in": 60}, retention=60.0).expires_in == 60
    assert pointers({"urls": [LINK], "expires_in": 61}, retention=60.0) == ["/expires_in"]


def test_one_error_is_told_in_the_sentence_itself() -> None:
    assert refused({"urls": [LINK, "x"]}).detail == (
        "/urls/1: the link must begin with http:// or https://."
    )


def test_the_rules_decide_which_addresses_are_refused() -> None:
    body = json.dumps({"urls": ["http://127.0.0.1:8000/"]}).encode()
    allowing = AddressRules(allow_networks=(ip_network("127.0.0.0/8"),))
    assert job_request(body, [], allowing, RequestBounds()).sources
    with pytest.raises(Problem):
        job_request(body, [], RULES, RequestBounds())


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(LINK),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["urls", "url", "name", "on_error", "priority", "expires_in", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(documents)
def test_any_document_becomes_a_request_or_a_problem_that_points_into_it(document: Any) -> None:
    found = outcome(lambda: read(json.dumps(document).encode()))
    if isinstance(found, JobRequest):
        assert found.sources
        return
    for each in found.more.get("errors", []):
        assert _exists(document, each["pointer"])
        assert each["detail"]


def outcome(attempt: Callable[[], T]) -> T | Problem:
    """Give what came of it: a value, or a problem of the caller's making."""
    try:
        return attempt()
    except Problem as problem:
        if problem.status not in {400, 422}:
            raise
        return problem


def _exists(document: Any, pointer: str) -> bool:
    """Tell whether a pointer leads to something, or to a field that is missing there."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for part in parts[:-1]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    if not parts:
        return True
    if isinstance(document, list):
        return int(parts[-1]) < len(document)
    return isinstance(document, dict)


@given(st.binary(max_size=60))
def test_any_bytes_become_a_request_or_a_problem(body: bytes) -> None:
    assert isinstance(outcome(lambda: read(body)), JobRequest | Problem)
    assert isinstance(outcome(lambda: parse(body, RetryIn)), RetryIn | Problem)


def test_what_is_known_of_a_file_comes_with_its_link() -> None:
    digest = "AB" * 32
    item = {"url": LINK, "sha256": digest, "md5": "C" * 32, "size": 5}
    asked = read({"urls": [item, {"url": LINK, "size": 0}, {"url": LINK}], "manifest": True})
    assert [source.expected for source in asked.sources] == [
        Expected(digest.lower(), "c" * 32, 5), Expected(size=0), None,
    ]  # fmt: skip
    assert asked.manifest is Manifest.SUMS
    assert read({"urls": [LINK], "manifest": "bagit"}).manifest is Manifest.BAGIT
    assert read({"urls": [LINK], "manifest": False}).manifest is Manifest.NONE


@pytest.mark.parametrize(
    ("known", "detail"),
    [
        ({"sha256": "ab"}, "must be 64 hexadecimal digits"),
        ({"sha256": "g" * 64}, "must be 64 hexadecimal digits"),
        ({"md5": "a" * 32 + "\n"}, "must be 32 hexadecimal digits"),
        ({"size": -1}, "must be greater than or equal to 0"),
        ({"size": 2**63}, f"must be less than or equal to {2**63 - 1}"),
        ({"size": True}, "must be a whole number"),
        ({"size": "5"}, "must be a whole number"),
    ],
)
def test_what_can_be_no_checksum_or_size_is_pointed_at(
    known: dict[str, object], detail: str
) -> None:
    (name,) = known
    (error,) = refused({"urls": [LINK, {"url": LINK, **known}]}).more["errors"]
    assert error == {"pointer": f"/urls/1/{name}", "detail": detail}


def test_another_manifest_is_pointed_at() -> None:
    assert all("/manifest" in each for each in pointers({"urls": [LINK], "manifest": "sums"}))
