"""Who may: keys, owners, quota, rate and idempotency keys, on the real program."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.spec.service import Service

from packmule.web.api_keys import entry, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from tests.fakes.origin import Origin

CREATE = "/api/archive/create"
QUOTA = 4
RATE = 40


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    """Give the headers of three clients."""
    return {name: new_key() for name in ("ann", "bob", "cyd")}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Service]:
    """Give a program with keys: one in the clear, one as its digest, one in a file."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "keys").write_text(f"# of a third\n{entry('cyd', keys['cyd'])}\n")
    with Service(
        folder,
        API_KEYS=f"ann:{keys['ann']},{entry('bob', keys['bob'])}",
        API_KEYS_FILE=str(folder / "keys"),
        QUOTA_JOBS=str(QUOTA),
        RATE_LIMIT=f"{RATE}/h",
        ATTEMPTS="2",
    ) as running:
        yield running.start()
        assert "can be guessed" not in running.log
        for key in keys.values():
            assert key not in running.log


def ask(service: Service, key: str | None, method: str, path: str, **more: Any) -> httpx.Response:
    headers = more.pop("headers", {}) | ({} if key is None else {"Authorization": f"Bearer {key}"})
    return service.client.request(method, path, headers=headers, **more)


def touches(hash_: str) -> list[tuple[str, str]]:
    return [
        ("GET", f"/api/archive/files/{hash_}"),
        ("POST", f"/api/archive/retry/{hash_}"),
        ("POST", f"/api/archive/cancel/{hash_}"),
        ("DELETE", f"/api/archive/{hash_}"),
    ]


@pytest.fixture
def slow(origin: Origin) -> str:
    """Give a link whose job stays open."""
    return origin.put("/who/slow", b"slow" * 50_000, held_from=20_000)


def test_only_a_client_with_a_key_creates_and_only_its_own_jobs_are_in_its_reach(
    guarded: Service, keys: dict[str, str], origin: Origin, slow: str
) -> None:
    body = {"urls": [origin.put("/who/a", b"a"), slow]}
    for key in (None, "wrong", keys["bob"] + "x"):
        answer = ask(guarded, key, "POST", CREATE, json=body)
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    answer = ask(guarded, keys["ann"], "POST", CREATE, json=body)
    assert answer.status_code == 202
    hash_ = answer.json()["archive_hash"]
    for key, status in ((None, 401), (keys["bob"], 403), (keys["cyd"], 403)):
        for method, path in touches(hash_):
            assert ask(guarded, key, method, path).status_code == status
    assert guarded.status(hash_)["status"] == "in-progress"
    assert ask(guarded, keys["ann"], *touches(hash_)[0]).status_code == 200
    assert ask(guarded, keys["ann"], *touches(hash_)[2]).status_code == 200
    assert ask(guarded, keys["ann"], *touches(hash_)[3]).status_code == 204


def test_whoever_has_the_hash_may_read_and_download_without_a_key(
    guarded: Service, keys: dict[str, str], origin: Origin
) -> None:
    body = {"urls": [origin.put("/who/open.txt", b"open")]}
    hash_ = ask(guarded, keys["bob"], "POST", CREATE, json=body).json()["archive_hash"]
    assert guarded.outcome(hash_)["status"] == "completed"
    assert guarded.members(hash_) == {"open.txt": b"open"}


def test_of_many_at_once_as_many_get_in_as_the_quota_has_places(
    guarded: Service, keys: dict[str, str], slow: str
) -> None:
    def create(_: int) -> httpx.Response:
        return ask(guarded, keys["cyd"], "POST", CREATE, json={"urls": [slow]})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(3 * QUOTA)))
    accepted = [each.json()["archive_hash"] for each in answers if each.status_code == 202]
    refused = [each for each in answers if each.status_code == 429]
    assert (len(accepted), len(refused)) == (QUOTA, 2 * QUOTA)
    assert {each.json()["code"] for each in refused} == {"quota-exceeded"}
    assert all(int(each.headers["retry-after"]) > 0 for each in refused)
    for hash_ in accepted:
        assert ask(guarded, keys["cyd"], "DELETE", f"/api/archive/{hash_}").status_code == 204
    again = create(0)
    assert again.status_code == 202
    ask(guarded, keys["cyd"], "DELETE", f"/api/archive/{again.json()['archive_hash']}")


def test_one_idempotency_key_sent_many_times_at_once_is_one_job_of_each_client(
    guarded: Service, keys: dict[str, str], origin: Origin
) -> None:
    body = {"urls": [origin.put("/who/once", b"once")]}

    def create(name: str) -> tuple[str, str, bool]:
        answer = ask(
            guarded, keys[name], "POST", CREATE, json=body, headers={"Idempotency-Key": "once"}
        )
        assert answer.status_code == 202, answer.text
        is_replay = answer.headers.get("idempotent-replayed") == "true"
        return name, answer.json()["archive_hash"], is_replay

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(create, ["ann", "bob"] * 6))
    assert len({hash_ for _, hash_, _ in found}) == 2
    assert len({(name, hash_) for name, hash_, _ in found}) == 2
    assert [is_replay for *_, is_replay in found].count(False) == 2


def test_beyond_the_rate_a_client_waits_and_another_does_not(
    guarded: Service, keys: dict[str, str], origin: Origin
) -> None:
    body = {"urls": [origin.put("/who/often", b"often")]}
    replay = {"headers": {"Idempotency-Key": "often"}, "json": body}
    for _ in range(RATE + 1):
        answer = ask(guarded, keys["ann"], "POST", CREATE, **replay)
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert answer.json()["code"] == "rate-limited"
    assert 0 < int(answer.headers["retry-after"]) <= 3600 // RATE
    assert ask(guarded, keys["bob"], "POST", CREATE, **replay).status_code == 202


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"Authorization: Bearer \xff\xc3\xa9\r\n", b"401"),
        (b"Authorization: Bearer " + b"x" * 30_000 + b"\r\n", b"401"),
        (b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", b"400"),
        (b"Authorization:\r\n", b"401"),
        (b"X-Forwarded-For: " + b"1.2.3.4, " * 3_000 + b"\r\n", b"401"),
    ],
    ids=["no ascii", "huge", "two", "empty", "many addresses"],
)
def test_a_head_meant_to_break_it_is_refused_like_any_other(
    guarded: Service, fields: bytes, status: bytes
) -> None:
    head = b"POST /api/archive/cancel/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=60) as connection:
        connection.sendall(head % (b"0" * 32) + fields + b"\r\n")
        assert connection.recv(64).split(b" ")[1] == status


def test_without_keys_an_address_is_a_client_and_only_our_own_proxy_says_which(
    tmp_path: Path,
) -> None:
    def create(service: Service, *forwarded: str) -> int:
        fields = [("X-Forwarded-For", each) for each in forwarded]
        return service.client.post(CREATE, content=b"{", headers=fields).status_code

    with Service(tmp_path, RATE_LIMIT="2/h", TRUSTED_PROXIES="127.0.0.1") as service:
        service.start()
        assert [create(service, "192.0.2.1") for _ in range(3)] == [400, 400, 429]
        # What stands before the proxy's word is the client's own, on one line or on two.
        assert create(service, "198.51.100.7, 192.0.2.1") == 429
        assert create(service, "198.51.100.7", "192.0.2.1") == 429
        assert create(service, "192.0.2.1", "198.51.100.7") == 400
        assert [create(service) for _ in range(3)] == [400, 400, 429]
