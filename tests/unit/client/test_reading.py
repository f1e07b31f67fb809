"""What is read out of answers, whoever gave them."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.client import reading
from packmule.client.errors import APIStatusError, ClientError, InvalidField, InvalidResponseError
from packmule.client.steps import ApiResponse
from packmule.client.values import (
    Cancelled,
    Completed,
    Expired,
    Failed,
    FileFailure,
    InProgress,
    JobProgress,
)

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
DEAD = {
    "url": "http://x/a", "name": None, "code": "dns", "detail": "no such host",
    "http_status": None, "attempts": 3,
}  # fmt: skip
DEAD_FILE = FileFailure("http://x/a", None, "dns", "no such host", None, 3)
PROGRESS = {
    "files": {"total": 3, "done": 1, "failed": 0},
    "bytes": {"done": 5, "total": None},
    "bytes_per_second": 1.5,
    "eta_seconds": None,
}


def reply(content: Any, status: int = 200, **headers: str) -> ApiResponse:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return ApiResponse(
        status, {name.replace("_", "-"): each for name, each in headers.items()}, body
    )


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (
            {"status": "in-progress", "progress": PROGRESS},
            InProgress(JobProgress(3, 1, 0, 5, None, 1.5, None)),
        ),
        (
            {"status": "completed", "url": "http://x/a.zip", "size": 9, "missing": [DEAD],
             "expires_at": "2026-03-01T12:30:15Z"},
            Completed("http://x/a.zip", 9, NOW, (DEAD_FILE,)),
        ),
        (
            {"status": "failed", "error": {"code": "files-failed", "detail": "2 of 3"},
             "failures": [DEAD]},
            Failed("files-failed", "2 of 3", (DEAD_FILE,)),
        ),
        ({"status": "cancelled"}, Cancelled()),
        ({"status": "expired", "of a newer server": 1}, Expired()),
    ],
)  # fmt: skip
def test_every_status_is_a_value_and_keeps_its_document(
    document: dict[str, Any], value: object
) -> None:
    found = reading.value(reply(document), reading.status)
    assert found == value
    assert found.document == document
    assert found.status == document["status"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b'{"status": "in-prog', b"null", b"[]", b'"completed"', b"\xff\xfe",
        b"<html>Log in</html>", b'{"status": "melting"}', b'{"status": "completed"}',
        b'{"status": "in-progress", "progress": []}', b"[" * 100_000,
        b'{"status": "completed", "url": 1, "size": 1, "expires_at": "2026-03-01T12:30:15Z"}',
        b'{"status": "completed", "url": "x", "size": -1, "expires_at": "2026-03-01T12:30:15Z"}',
        b'{"status": "completed", "url": "x", "size": 1, "expires_at": "soon"}',
        b'{"status": "failed", "error": "bad"}',
        json.dumps(
            {"status": "in-progress", "progress": {**PROGRESS, "bytes_per_second": math.nan}}
        ).encode(),
    ],
)  # fmt: skip
def test_what_is_no_status_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(InvalidResponseError, match="Is this a Packmule"):
        reading.value(reply(body), reading.status)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from([*DEAD, *PROGRESS, "status", "progress", "error", "files", "cursor"]), inner
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.binary() | JSON.map(lambda each: json.dumps(each).encode()))
def test_whatever_comes_is_a_value_or_an_error_of_ours(body: bytes) -> None:
    for read in (reading.status, reading.file_batch, reading.archive_hash):
        with suppress(InvalidResponseError):
            reading.value(reply(body), read)


@given(st.integers(300, 599), st.binary() | JSON.map(lambda each: json.dumps(each).encode()))
def test_every_other_answer_is_an_error_of_ours(status: int, body: bytes) -> None:
    found = reading.refusal(reply(body, status, retry_after="x"), NOW)
    assert isinstance(found, ClientError)
    assert str(found)


def test_a_problem_is_told_with_its_code_and_each_bad_item() -> None:
    problem = {
        "type": "about:blank", "title": "Unprocessable Content", "status": 422,
        "detail": "two things", "code": "invalid-request",
        "errors": [{"pointer": "/urls/3", "detail": "no"}, {"parameter": "wait", "detail": "x"}, 5],
    }  # fmt: skip
    found = reading.refusal(reply(problem, 422), NOW)
    assert isinstance(found, APIStatusError)
    assert (found.status_code, found.code, str(found)) == (422, "invalid-request", "two things")
    assert found.errors == (InvalidField("/urls/3", "no"), InvalidField("wait", "x"))


def test_a_proxys_page_of_an_error_is_told_as_such() -> None:
    page = b"<html><h1>502 Bad Gateway</h1>"
    found = reading.refusal(reply(page, 502, retry_after="7"), NOW)
    assert isinstance(found, APIStatusError)
    assert (found.code, found.retry_after) == ("http-502", 7.0)
    assert "502 Bad Gateway" in str(found)


def test_a_page_of_another_program_is_told_with_its_beginning() -> None:
    found = reading.refusal(reply(b"<h1>It works!</h1>\x1b[31m" + b"x" * 500, 404), NOW)
    assert isinstance(found, InvalidResponseError)
    assert "It works!" in str(found)
    assert "\x1b" not in str(found)
    assert len(str(found)) < 250


def test_a_redirect_names_the_right_address() -> None:
    found = reading.refusal(reply(b"", 301, location="https://example.org/"), NOW)
    assert "use https://example.org/" in str(found)


def test_a_redirect_to_a_signed_address_tells_no_signature() -> None:
    found = reading.refusal(reply(b"", 302, location="https://example.org/a?sig=topsecret"), NOW)
    assert "topsecret" not in str(found)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None), ("soon", None), ("-5", None), ("1.5", None), ("0", 0.0), (" 120 ", 120.0),
        ("9" * 400, 1e9), ("Sun, 01 Mar 2026 12:31:15 GMT", 60.0),
        ("Sun, 01 Mar 2026 12:00:00 GMT", 0.0), ("Sun, 99 Mar 2026 12:00:00 GMT", None),
        ("²", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert reading.retry_after(text, NOW) == seconds


@given(st.text())
def test_retry_after_never_fails(text: str) -> None:
    found = reading.retry_after(text, NOW)
    assert found is None or found >= 0.0


def test_a_page_of_files_is_read_in_full() -> None:
    page = {
        "files": [
            {"position": 0, "url": "http://x/a", "name": "a", "state": "failed",
             "bytes": {"done": 1, "total": 2}, "attempts": 8,
             "failure": {"code": "dns", "detail": "d", "http_status": None, "attempts": 8},
             "warning": None},
            {"position": 1, "url": "http://x/b", "name": None, "state": "done",
             "bytes": {"done": 2, "total": 2}, "attempts": None, "failure": None,
             "warning": {"code": "html-page", "detail": "d"}},
        ],
        "cursor": "2",
    }  # fmt: skip
    found = reading.value(reply(page), reading.file_batch)
    assert found.cursor == "2"
    first, second = found.files
    assert first.failure == FileFailure("http://x/a", "a", "dns", "d", None, 8)
    assert (second.state, second.warning, second.failure) == ("done", "html-page", None)


@pytest.mark.parametrize(
    "moment", ["2026-03-01T12:30:15", "2026-03-01T12:30:15Z", "2026-03-01T14:00:15+01:30"]
)
def test_a_moment_is_utc_whatever_its_zone(moment: str) -> None:
    document = {"status": "completed", "url": "http://x/u", "size": 1, "expires_at": moment}
    found = reading.value(reply(document), reading.status)
    assert isinstance(found, Completed)
    assert found.expires_at == NOW
    assert found.expires_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "hash_",
    [
        "",
        "0" * 31,
        "0" * 33,
        "F" * 32,
        "--help",
        "../../etc",
        "\x1b[2J" + "0" * 28,
        "0" * 31 + "\n",
    ],
)
def test_what_is_no_archive_hash_is_an_invalid_response(hash_: str) -> None:
    with pytest.raises(InvalidResponseError):
        reading.value(reply({"archive_hash": hash_}, 202), reading.archive_hash)


def test_an_archive_hash_is_returned_as_it_is() -> None:
    hash_ = "0123456789abcdef" * 2
    assert reading.value(reply({"archive_hash": hash_}, 202), reading.archive_hash) == hash_


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://x/a.zip",
        "javascript:alert(1)",
        "http://",
        "http:///a",
        "http://x/\x1b[2J",
        "http://x/a b",
        "http://x/\u202e",
    ],
)
def test_an_archive_with_no_web_address_is_an_invalid_response(url: str) -> None:
    document = {
        "status": "completed", "url": url, "size": 9, "expires_at": "2026-03-01T12:30:15Z",
    }  # fmt: skip
    with pytest.raises(InvalidResponseError):
        reading.value(reply(document), reading.status)


def test_what_a_server_says_for_people_is_printable() -> None:
    harm = "a\x1b[31m\u202eb\n"
    dead = DEAD | {"url": f"http://x/{harm}", "name": harm, "code": harm, "detail": harm}
    error = {"code": harm, "detail": harm}
    document = {"status": "failed", "error": error, "failures": [dead]}
    found = reading.value(reply(document), reading.status)
    assert isinstance(found, Failed)
    [one] = found.failures
    for text in (found.code, found.detail, one.url, one.name or "", one.code, one.detail):
        assert text.isprintable(), text
    listed = [{"pointer": harm, "detail": harm}]
    refused = reading.refusal(reply({**error, "errors": listed}, 422), NOW)
    assert isinstance(refused, APIStatusError)
    assert str(refused).isprintable()
    assert refused.errors[0].where.isprintable()
    moved = reading.refusal(reply(b"", 302, location=f"https://x/{harm * 10_000}"), NOW)
    assert str(moved).isprintable()
    assert len(str(moved)) < 700
