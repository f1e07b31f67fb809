"""POST /api/archive/create: what is accepted, and how everything else is refused."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

CREATE = "/api/archive/create"


def post(service: Service, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.client.post(
        CREATE, content=content, headers={"Content-Type": "application/json", **named}
    )


def errors(answer: httpx.Response) -> dict[str, str]:
    """Give the bad items of a 422 by their pointers."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["code"] == "invalid-request"
    assert document["status"] == 422
    assert all(set(each) == {"pointer", "detail"} for each in document["errors"])
    return {each["pointer"]: each["detail"] for each in document["errors"]}


def jobs(service: Service) -> int:
    """Count the jobs there are."""
    path = service.folder / "data" / "packmule.db"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found: int = connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    finally:
        connection.close()
    return found


def test_a_list_of_links_is_accepted_with_202_and_the_place_of_its_status(
    service: Service, origin: Origin
) -> None:
    answer = post(service, {"urls": [origin.put("/create/a", b"a")]})
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert set(document) == {"archive_hash", "warnings"}
    assert document["warnings"] == []
    assert re.fullmatch(r"[0-9a-f]{32}", document["archive_hash"])
    assert answer.headers["location"] == f"/api/archive/status/{document['archive_hash']}"
    assert service.client.get(answer.headers["location"]).status_code == 200


def test_the_hash_does_not_come_from_the_links(service: Service, origin: Origin) -> None:
    link = origin.put("/create/twice", b"twice")
    assert service.create(link) != service.create(link)


def test_strings_and_objects_may_be_mixed(service: Service, origin: Origin) -> None:
    plain, named = origin.put("/create/plain.txt", b"plain"), origin.put("/create/x", b"named")
    archive_hash = service.completed(plain, {"url": named, "name": "2024/may/named.txt"})
    assert service.members(archive_hash) == {"plain.txt": b"plain", "2024/may/named.txt": b"named"}


def test_every_field_of_the_contract_is_taken(service: Service, origin: Origin) -> None:
    body = {
        "urls": [origin.put("/create/all", b"all")],
        "name": "holiday.zip",
        "on_error": "skip",
        "compression": "store",
        "expires_in": 86400,
        "priority": 5,
    }
    assert post(service, body).status_code == 202


def test_a_json_body_need_not_be_declared_as_such(service: Service, origin: Origin) -> None:
    body = json.dumps({"urls": [origin.put("/create/undeclared", b"x")]})
    answer = service.client.post(
        CREATE, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 202


def test_ten_thousand_links_are_accepted(service: Service, origin: Origin) -> None:
    links = [origin.url(f"/create/many/{number}") for number in range(10_000)]
    answer = post(service, {"urls": links})
    assert answer.status_code == 202
    archive_hash = answer.json()["archive_hash"]
    assert service.client.post(f"/api/archive/cancel/{archive_hash}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"urls", b"\xff\xfe", b'{"urls": [}', b"[" * 100_000, b'{"urls": ["\\ud800"]}'],
    ids=["empty", "cut", "a word", "no utf-8", "broken", "too deep", "half a character"],
)
def test_a_body_that_is_no_json_is_400(service: Service, body: bytes) -> None:
    answer = post(service, body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not-json"


def test_a_body_beyond_the_limit_is_413(service: Service) -> None:
    answer = post(service, b'{"urls": ["http://example.com/' + b"a" * 12_000_000 + b'"]}')
    assert answer.status_code == 413
    assert answer.json()["code"] == "too-large"


def test_a_body_beyond_the_limit_is_413_also_when_its_length_is_not_announced(
    service: Service,
) -> None:
    pieces = (b" " * 1_000_000 for _ in range(20))
    answer = service.client.post(CREATE, content=pieces)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], {""}),
        ("https://example.com/", {""}),
        (None, {""}),
        ({}, {"/urls"}),
        ({"urls": []}, {"/urls"}),
        ({"urls": None}, {"/urls"}),
        ({"urls": "https://example.com/"}, {"/urls"}),
        ({"urls": {"0": "https://example.com/"}}, {"/urls"}),
        ({"urls": [42]}, {"/urls/0"}),
        ({"urls": [None]}, {"/urls/0"}),
        ({"urls": [["https://example.com/"]]}, {"/urls/0"}),
        ({"urls": [{}]}, {"/urls/0/url"}),
        ({"urls": [{"url": 42}]}, {"/urls/0/url"}),
        ({"urls": [{"url": "nonsense"}]}, {"/urls/0/url"}),
        ({"urls": [{"url": "https://example.com/", "name": ""}]}, {"/urls/0/name"}),
        ({"urls": [{"url": "https://example.com/", "nmae": "a"}]}, {"/urls/0/nmae"}),
        ({"urls": ["https://example.com/"], "nonsense": 1}, {"/nonsense"}),
        ({"urls": ["https://example.com/"], "a/b~c": 1}, {"/a~1b~0c"}),
        ({"urls": ["https://example.com/"], "name": "../../x"}, {"/name"}),
        ({"urls": ["https://example.com/"], "name": ""}, {"/name"}),
        ({"urls": ["https://example.com/"], "name": "a\nb"}, {"/name"}),
        ({"urls": ["https://example.com/"], "name": "x" * 300}, {"/name"}),
        ({"urls": ["https://example.com/"], "on_error": "ignore"}, {"/on_error"}),
        ({"urls": ["https://example.com/"], "compression": "rar"}, {"/compression"}),
        ({"urls": ["https://example.com/"], "expires_in": 0}, {"/expires_in"}),
        ({"urls": ["https://example.com/"], "expires_in": -1}, {"/expires_in"}),
        ({"urls": ["https://example.com/"], "expires_in": "86400"}, {"/expires_in"}),
        ({"urls": ["https://example.com/"], "expires_in": 8 * 86_400}, {"/expires_in"}),
        ({"urls": ["https://example.com/"], "priority": 1.5}, {"/priority"}),
        ({"urls": ["https://example.com/"], "priority": 101}, {"/priority"}),
        ({"urls": ["https://example.com/"], "priority": True}, {"/priority"}),
        ({"urls": ["https://example.com/"], "webhook_url": "https://a.example/"}, {"/webhook_url"}),
    ],
    ids=repr,
)
def test_bad_input_is_422_and_is_pointed_at(
    service: Service, body: Any, pointers: set[str]
) -> None:
    assert set(errors(post(service, body))) == pointers


@pytest.mark.parametrize(
    "link",
    [
        "",
        "nonsense",
        "//example.com/a",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///a",
        "http://user:secret@example.com/",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "http://example.com:22/",
        "http://[::1",
        " https://example.com/",
        "https://example.com/\r\nHost: evil",
        "https://example.com/" + "a" * 9000,
    ],
)
def test_a_link_that_cannot_be_fetched_is_422(service: Service, link: str) -> None:
    found = errors(post(service, {"urls": ["https://example.com/", link]}))
    assert set(found) == {"/urls/1"}
    assert "secret" not in found["/urls/1"]


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "[fd00::1]", "[::ffff:10.0.0.1]"],
)
def test_a_link_to_an_address_that_is_not_public_is_422(service: Service, host: str) -> None:
    found = errors(post(service, {"urls": [f"http://{host}/latest/meta-data"]}))
    assert set(found) == {"/urls/0"}


def test_every_bad_item_is_named_at_once(service: Service) -> None:
    body = {
        "urls": [
            "https://example.com/",
            "ftp://a/",
            42,
            {"url": "b"},
            {"name": "c"},
            "http://10.0.0.1/",
        ],
        "name": 5,
    }
    assert set(errors(post(service, body))) == {
        "/urls/1", "/urls/2", "/urls/3/url", "/urls/4/url", "/urls/5", "/name",
    }  # fmt: skip


def test_at_most_fifty_bad_items_are_named(service: Service) -> None:
    answer = post(service, {"urls": ["nonsense"] * 60})
    assert list(errors(answer)) == [f"/urls/{number}" for number in range(50)]
    assert "50 errors or more" in answer.json()["detail"]


def test_more_links_than_allowed_are_422(service: Service) -> None:
    found = errors(post(service, {"urls": ["https://example.com/"] * 10_001}))
    assert set(found) == {"/urls"}
    assert "10000" in found["/urls"]


def test_nothing_is_created_by_a_refused_request(service: Service) -> None:
    before = jobs(service)
    post(service, {"urls": ["https://example.com/", "nonsense"]})
    post(service, b"{")
    assert jobs(service) == before


def test_the_same_key_with_the_same_body_is_one_job(service: Service, origin: Origin) -> None:
    body = {"urls": [origin.put("/create/once", b"once")]}
    first = post(service, body, Idempotency_Key="one-job")
    again = post(service, body, Idempotency_Key="one-job")
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert again.headers["location"] == first.headers["location"]


def test_the_same_key_with_another_body_is_409(service: Service, origin: Origin) -> None:
    first, other = origin.put("/create/one", b"1"), origin.put("/create/other", b"2")
    assert post(service, {"urls": [first]}, Idempotency_Key="two-jobs").status_code == 202
    answer = post(service, {"urls": [other]}, Idempotency_Key="two-jobs")
    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotency-conflict"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_key_that_is_none_is_422(service: Service, key: str) -> None:
    answer = post(service, {"urls": ["https://example.com/"]}, Idempotency_Key=key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_sites_page_may_not_create_jobs_in_a_visitors_browser(
    service: Service, headers: dict[str, str]
) -> None:
    answer = service.client.post(
        CREATE, content=b'{"urls": ["https://example.com/"]}', headers=headers
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross-origin"


def test_our_own_page_may_create_jobs(service: Service, origin: Origin) -> None:
    body = {"urls": [origin.put("/create/own-page", b"x")]}
    headers = {"Origin": service.url, "Sec-Fetch-Site": "same-origin"}
    assert service.client.post(CREATE, json=body, headers=headers).status_code == 202
