"""How the requests of the API are written, and what is refused before any is sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from packmule.client import requests, transport
from packmule.errors import UsageError

HASH = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://example.org/packmule/", "https://example.org/packmule"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_a_servers_address_may_have_a_path_and_loses_its_last_slash(text: str, url: str) -> None:
    assert requests.server_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "localhost:8000", "ftp://example.org", "http://", "http://[::1", "http://a b/",
        "http://x:0", "http://x:99999", "http://x/?a=1", "http://x/#a", "http://x/\n",
        "http://ann:secret@example.org",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        requests.server_url(text)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["a b", "a\r\nX: y", "schlüssel", ""])
def test_a_key_that_fits_into_no_header_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(UsageError) as refused:
        requests.api_key(key)
    assert not key or key not in str(refused.value)


def body(links: Any, **options: Any) -> Any:
    sent = requests.create(links, options, "key").body  # type: ignore[arg-type]
    return json.loads(sent or b"")


def test_links_may_be_texts_pairs_and_objects() -> None:
    links = ["http://x/a", ("http://x/b", "b"), ("http://x/c", None), {"url": "d", "name": "e"}]
    assert body(links)["urls"] == [
        "http://x/a", {"url": "http://x/b", "name": "b"}, "http://x/c", {"url": "d", "name": "e"},
    ]  # fmt: skip


def test_only_options_that_were_given_are_sent() -> None:
    assert body(["u"]) == {"urls": ["u"]}
    found = body(["u"], name="x.zip", priority=0, on_error=None, idempotency_key="k")
    assert found == {"urls": ["u"], "name": "x.zip", "priority": 0}


@pytest.mark.parametrize(
    "links", ["http://x/a", [5], [("a", 5)], [("a", "b", "c")], [{"name": "b"}], [None]]
)
def test_what_is_no_link_is_refused(links: Any) -> None:
    with pytest.raises(UsageError, match="link"):
        body(links)


@pytest.mark.parametrize("options", [{"expires_in": float("nan")}, {"name": object()}])
def test_what_json_cannot_hold_is_refused(options: Any) -> None:
    with pytest.raises(UsageError, match="JSON"):
        body(["u"], **options)


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(UsageError, match="JSON"):
        body(["http://x/\udcff"])


@pytest.mark.parametrize("hash_", ["", "../x", "a/b", "a?b", "a" * 129, "%2e", "a b", "ä"])
def test_a_hash_that_would_be_another_path_is_refused(hash_: str) -> None:
    for ask in (requests.status, requests.cancel, requests.delete):
        with pytest.raises(UsageError, match="not an archive hash"):
            ask(hash_)


def test_only_what_does_no_harm_may_be_sent_twice() -> None:
    assert [
        requests.create(["u"], {}, "k").idempotent,
        requests.status(HASH).idempotent,
        requests.cancel(HASH).idempotent,
        requests.finish(HASH).idempotent,
        requests.delete(HASH).idempotent,
        requests.retry(HASH, None).idempotent,
    ] == [True, True, True, True, True, False]


def test_a_retry_says_only_what_was_asked_for() -> None:
    assert requests.retry(HASH, None).body == b"{}"
    asked = requests.retry(HASH, "skip", {5, 3}, {3: "https://x/\u00e9"})
    assert json.loads(asked.body or b"") == {
        "on_error": "skip",
        "positions": [3, 5],
        "urls": {"3": "https://x/\u00e9"},
    }


def test_the_server_has_longer_for_an_answer_that_it_holds() -> None:
    assert requests.status(HASH, hold=30.0).timeout > 30.0
    assert requests.status(HASH, hold=30.0).params == {"wait": "30.000"}
    assert requests.status(HASH).params == {}


def test_the_address_is_the_one_given_before_the_environments_before_the_usual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PACKMULE_SERVER", raising=False)
    monkeypatch.delenv("PACKMULE_API_KEY", raising=False)
    usual = transport.server_address(None, None)
    assert (usual.url, usual.api_key) == ("http://localhost:8000", None)
    monkeypatch.setenv("PACKMULE_SERVER", " http://env:1/ ")
    monkeypatch.setenv("PACKMULE_API_KEY", "env-key")
    found = transport.server_address(None, None)
    assert (found.url, found.api_key) == ("http://env:1", "env-key")
    given = transport.server_address("http://given:2", "given-key")
    assert (given.url, given.api_key) == ("http://given:2", "given-key")
    assert "given-key" not in repr(given)


def test_a_lifetime_is_seconds_or_a_timedelta() -> None:
    for given in (5400, 5400.0, timedelta(hours=1.5)):
        request = requests.create(["u"], {"expires_in": given}, "k")
        assert json.loads(request.body or b"")["expires_in"] == 5400
