"""Who may ask: the key, the job's owner, the rate and the quota, in every order and disguise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.jobs import FAILURE, no_defer, request

from packmule.jobs.model import JobState
from packmule.jobs.quota import Quota
from packmule.jobs.store import JobStore
from packmule.outbound.addresses import parse_networks
from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.client_address import ClientAddresses
from packmule.web.rate_limit import Rate, RateLimit
from packmule.web.services import Access

if TYPE_CHECKING:
    import httpx
    from tests.unit.web.conftest import App

CREATE = "/api/archive/create"
BODY = {"urls": ["https://example.com/a"]}
ANN, BOB = {"Authorization": "Bearer anns-key"}, {"Authorization": "Bearer bobs-key"}
NO_JOB = "0" * 32


def with_keys(app: App, **more: Any) -> None:
    app.change(
        access=Access(keys=Keyring(parse_keys("ann:anns-key,bob:bobs-key")), **more),
    )


def create(app: App, headers: Any = None, **body: Any) -> httpx.Response:
    return app.ask("POST", CREATE, json=BODY | body, headers=headers)


def created(app: App, headers: Any = None) -> str:
    answer = create(app, headers)
    assert answer.status_code == 202, answer.text
    archive_hash: str = answer.json()["archive_hash"]
    return archive_hash


def guarded(hash_: str) -> list[tuple[str, str]]:
    return [
        ("POST", f"/api/archive/retry/{hash_}"),
        ("POST", f"/api/archive/cancel/{hash_}"),
        ("DELETE", f"/api/archive/{hash_}"),
        ("GET", f"/api/archive/files/{hash_}"),
    ]


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    return document


# --- the key ------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_made_changed_or_listed(app: App) -> None:
    with_keys(app)
    hash_ = created(app, ANN)
    for method, path in [("POST", CREATE), *guarded(hash_), *guarded(NO_JOB)]:
        answer = app.ask(method, path)
        refused(answer, 401, "unauthorized")
        # RFC 6750 3.1: without an error code where nothing was shown.
        assert answer.headers["www-authenticate"] == 'Bearer realm="packmule"'
    assert app.services.store.get(hash_).state is JobState.QUEUED


@pytest.mark.parametrize(
    "shown",
    ["Bearer anns-kez", "Bearer ", "Bearer anns-key x", "bearer  \t", "Bearer " + "x" * 60_000],
)
def test_a_wrong_key_is_401_and_is_not_repeated(app: App, shown: str) -> None:
    with_keys(app)
    answer = create(app, {"Authorization": shown})
    refused(answer, 401, "unauthorized")
    assert "bearer" in answer.headers["www-authenticate"].lower()
    assert "anns" not in answer.text


@pytest.mark.parametrize("shown", [b"Bearer anns-key\xc3\xa9", b"Bearer \xff", b"\xe9", b"Bearer"])
def test_bytes_that_are_no_key_are_401(app: App, shown: bytes) -> None:
    with_keys(app)
    refused(create(app, {b"Authorization": shown}), 401, "unauthorized")


@pytest.mark.parametrize("shown", ["anns-key", "Basic YW5uOmFubnMta2V5", "Bearer=anns-key"])
def test_another_scheme_is_asked_for_a_bearer_key(app: App, shown: str) -> None:
    with_keys(app)
    answer = create(app, {"Authorization": shown})
    refused(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="packmule"'


def test_the_schemes_name_may_be_in_any_case(app: App) -> None:
    with_keys(app)
    created(app, {"Authorization": "bEARER anns-key"})


def test_two_keys_at_once_are_400_also_where_both_are_right(app: App) -> None:
    with_keys(app)
    answer = create(app, [("Authorization", "Bearer anns-key"), ("Authorization", "Bearer x")])
    refused(answer, 400, "bad-request")
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]


def test_without_keys_a_header_is_passed_over(app: App) -> None:
    created(app, {"Authorization": "Bearer whatever"})


def test_the_hash_alone_opens_status_and_download(app: App) -> None:
    with_keys(app)
    hash_ = app.completed(b"archive")
    assert app.ask("GET", f"/api/archive/status/{hash_}").status_code == 200
    assert app.ask("GET", f"/archive/get/{hash_}.zip").content == b"archive"


def test_pages_and_health_need_no_key(app: App) -> None:
    with_keys(app)
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz"):
        assert app.ask("GET", path).status_code == 200


def test_a_refusal_before_the_body_is_read_ends_the_connection_and_one_without_a_body_not(
    app: App,
) -> None:
    with_keys(app)
    assert create(app).headers["connection"] == "close"
    assert "connection" not in app.ask("POST", f"/api/archive/cancel/{NO_JOB}").headers


# --- the owner ----------------------------------------------------------------------------------


def test_another_clients_key_is_403_and_changes_nothing(app: App) -> None:
    with_keys(app)
    hash_ = created(app, ANN)
    for method, path in guarded(hash_):
        document = refused(app.ask(method, path, headers=BOB), 403, "forbidden")
        assert "ann" not in document["detail"]
    assert app.services.store.get(hash_).state is JobState.QUEUED
    assert app.ask("GET", f"/api/archive/status/{hash_}", headers=BOB).status_code == 200


def test_a_clients_own_key_does_all(app: App) -> None:
    with_keys(app)
    hash_ = created(app, ANN)
    assert app.services.store.get(hash_).client == "ann"
    assert app.ask("GET", f"/api/archive/files/{hash_}", headers=ANN).status_code == 200
    run = app.services.store.begin(hash_)
    assert run is not None
    app.services.store.fail(run.fence, FAILURE)
    assert app.ask("POST", f"/api/archive/retry/{hash_}", headers=ANN).status_code == 202
    assert app.ask("POST", f"/api/archive/cancel/{hash_}", headers=ANN).status_code == 200
    assert app.ask("DELETE", f"/api/archive/{hash_}", headers=ANN).status_code == 204
    # It stays hers when it is gone.
    refused(app.ask("DELETE", f"/api/archive/{hash_}", headers=BOB), 403, "forbidden")


def test_a_hash_that_is_none_is_404_for_whoever_has_a_key(app: App) -> None:
    with_keys(app)
    for hash_ in (NO_JOB, "nonsense"):
        for method, path in guarded(hash_):
            refused(app.ask(method, path, headers=ANN), 404, "not-found")


def test_a_job_that_was_made_while_there_were_no_keys_has_no_owner(app: App) -> None:
    hash_ = created(app)
    with_keys(app)
    assert app.ask("POST", f"/api/archive/cancel/{hash_}", headers=BOB).status_code == 200


def test_without_keys_the_hash_opens_all(app: App) -> None:
    hash_ = app.services.store.create(request(client="ann"), defer=no_defer)
    assert app.ask("POST", f"/api/archive/cancel/{hash_}").status_code == 200


# --- the client without a key -------------------------------------------------------------------


def test_a_client_without_a_key_is_its_address_until_its_job_expires(app: App) -> None:
    store = app.services.store
    hash_ = created(app)
    assert store.get(hash_).client == "address:127.0.0.1"
    store.delete(hash_)
    assert store.get(hash_).client == ""


def test_a_proxys_word_counts_only_where_it_is_named(app: App) -> None:
    spoofed = {"X-Forwarded-For": "192.0.2.1"}
    assert app.services.store.get(created(app, spoofed)).client == "address:127.0.0.1"
    app.change(access=Access(addresses=ClientAddresses(parse_networks("127.0.0.1"))))
    assert app.services.store.get(created(app, spoofed)).client == "address:192.0.2.1"
    lines = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "192.0.2.1")]
    assert app.services.store.get(created(app, lines)).client == "address:192.0.2.1"


# --- rate and quota -----------------------------------------------------------------------------


def test_beyond_the_rate_it_is_429_until_the_time_that_is_told(app: App) -> None:
    clock = FakeClock()
    app.change(access=Access(creates=RateLimit(Rate(2, 5), clock)))
    created(app)
    clock.advance(0.3)
    created(app)
    answer = create(app)
    refused(answer, 429, "rate-limited")
    assert answer.headers["retry-after"] == "3"  # 2.2 are left
    clock.advance(2.1)
    assert create(app).headers["retry-after"] == "1"
    clock.advance(1)
    created(app)


def test_a_retry_counts_as_a_create_and_nothing_else_does(app: App) -> None:
    app.change(access=Access(creates=RateLimit(Rate(2, 60), FakeClock())))
    hash_ = created(app)
    for _ in range(5):
        app.ask("GET", f"/api/archive/status/{hash_}")
        app.ask("GET", f"/api/archive/files/{hash_}")
        app.ask("POST", f"/api/archive/cancel/{hash_}")
    refused(app.ask("POST", f"/api/archive/retry/{hash_}"), 409, "wrong-state")
    refused(app.ask("POST", f"/api/archive/retry/{hash_}"), 429, "rate-limited")


def test_clients_have_rates_of_their_own_and_a_wrong_key_takes_from_nobodys(app: App) -> None:
    with_keys(app, creates=RateLimit(Rate(1, 60), FakeClock()))
    for _ in range(3):
        refused(create(app, {"Authorization": "Bearer wrong"}), 401, "unauthorized")
    created(app, ANN)
    refused(create(app, ANN), 429, "rate-limited")
    created(app, BOB)


def test_a_spoofed_address_does_not_help_against_the_rate(app: App) -> None:
    app.change(access=Access(creates=RateLimit(Rate(3, 60), FakeClock())))
    statuses = [
        create(app, {"X-Forwarded-For": f"192.0.2.{number}"}).status_code for number in range(5)
    ]
    assert statuses == [202, 202, 202, 429, 429]


def test_beyond_the_quota_it_is_429_with_what_to_do_and_nothing_is_queued(app: App) -> None:
    with_keys(app, quota=Quota(jobs=2))
    first = created(app, ANN)
    created(app, ANN)
    answer = create(app, ANN)
    document = refused(answer, 429, "quota-exceeded")
    assert answer.headers["retry-after"] == "30"
    assert "2 jobs open" in document["detail"]
    assert "cancel one" in document["detail"]
    assert len(app.queued) == 2
    created(app, BOB)
    app.ask("POST", f"/api/archive/cancel/{first}", headers=ANN)
    created(app, ANN)


def test_a_retry_counts_against_the_quota(app: App) -> None:
    app.change(access=Access(quota=Quota(jobs=1)))
    hash_ = created(app)
    run = app.services.store.begin(hash_)
    assert run is not None
    app.services.store.fail(run.fence, FAILURE)
    other = created(app)
    refused(app.ask("POST", f"/api/archive/retry/{hash_}"), 429, "quota-exceeded")
    assert app.services.store.get(hash_).state is JobState.FAILED
    app.ask("DELETE", f"/api/archive/{other}")
    assert app.ask("POST", f"/api/archive/retry/{hash_}").status_code == 202


# --- the idempotency key ------------------------------------------------------------------------


def with_key(key: str | bytes) -> Any:
    return {b"Idempotency-Key": key if isinstance(key, bytes) else key.encode()}


def test_a_replay_says_so_and_takes_nothing_from_the_quota(app: App) -> None:
    app.change(access=Access(quota=Quota(jobs=1)))
    first = create(app, with_key("k"))
    again = create(app, with_key("k"))
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    refused(create(app, with_key("l")), 429, "quota-exceeded")


class Overtaken(JobStore):
    """A store whose first try at a job is undone: another request of its key came in between."""

    def __init__(self) -> None:
        """Open nothing."""

    def create(self, *_: object, defer: Any, **__: object) -> str:
        defer(None, "1" * 32)
        return "2" * 32


def test_whoever_lost_a_race_for_a_key_is_told_of_the_replay(app: App) -> None:
    app.change(store=Overtaken())
    answer = create(app, with_key("k"))
    assert answer.json() == {"archive_hash": "2" * 32, "warnings": []}
    assert answer.headers["idempotent-replayed"] == "true"


def test_a_replay_counts_in_the_rate(app: App) -> None:
    app.change(access=Access(creates=RateLimit(Rate(1, 60), FakeClock())))
    assert create(app, with_key("k")).status_code == 202
    refused(create(app, with_key("k")), 429, "rate-limited")


def test_a_key_is_one_clients_own(app: App) -> None:
    with_keys(app)
    anns = create(app, ANN | {"Idempotency-Key": "k"}).json()
    bobs = create(app, BOB | {"Idempotency-Key": "k"}).json()
    assert anns != bobs
    assert create(app, ANN | {"Idempotency-Key": "k"}).json() == anns


def test_a_refused_request_uses_no_key_up(app: App) -> None:
    app.change(access=Access(quota=Quota(jobs=1)))
    open_one = created(app)
    refused(create(app, with_key("k")), 429, "quota-exceeded")
    app.ask("DELETE", f"/api/archive/{open_one}")
    refused(create(app, with_key("k"), urls=["nonsense"]), 422, "invalid-request")
    answer = create(app, with_key("k"))
    assert answer.status_code == 202
    assert "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\u00e9", b"\xff", "a\tb", "\x7f"])
def test_a_key_that_is_none_is_422(app: App, key: str | bytes) -> None:
    document = refused(create(app, with_key(key)), 422, "invalid-request")
    assert document["errors"][0]["parameter"] == "Idempotency-Key"


def test_two_keys_for_one_job_are_422(app: App) -> None:
    answer = create(app, [("Idempotency-Key", "a"), ("Idempotency-Key", "a")])
    assert "more than once" in refused(answer, 422, "invalid-request")["detail"]


def test_the_key_of_a_job_that_has_expired_is_free_again(app: App) -> None:
    first = create(app, with_key("k")).json()["archive_hash"]
    app.ask("DELETE", f"/api/archive/{first}")
    answer = create(app, with_key("k"), name="other.zip")
    assert answer.status_code == 202
    assert answer.json()["archive_hash"] != first
