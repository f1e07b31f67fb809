"""A client's list of its own archives: whose they are, what each tells, and its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.jobs import PUBLISHED, in_state, no_defer, request

from packmule.jobs.model import JobState
from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.services import Access

if TYPE_CHECKING:
    import httpx
    from tests.unit.web.conftest import App

LIST = "/api/archive/list"


@pytest.fixture
def keyed(app: App) -> App:
    """Give an application with two clients."""
    app.change(access=Access(keys=Keyring(parse_keys("ann:anns-key,bob:bobs-key"))))
    return app


def ask(app: App, query: str = "", key: str = "anns-key") -> httpx.Response:
    return app.ask("GET", LIST + query, headers={"Authorization": f"Bearer {key}"})


def listed(app: App, query: str = "", key: str = "anns-key") -> list[dict[str, Any]]:
    answer = ask(app, query, key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: list[dict[str, Any]] = answer.json()["archives"]
    return found


def test_without_keys_nobody_has_archives_of_their_own(app: App) -> None:
    answer = app.ask("GET", LIST)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "no API keys" in answer.json()["detail"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_with_keys_one_is_needed(keyed: App, headers: dict[str, str]) -> None:
    answer = keyed.ask("GET", LIST, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_each_client_has_its_own(keyed: App) -> None:
    store = keyed.services.store
    anns, bobs = (in_state(store, JobState.QUEUED, client=name) for name in ("ann", "bob"))
    in_state(store, JobState.QUEUED)  # from before there were keys
    assert [each["archive_hash"] for each in listed(keyed)] == [anns]
    assert [each["archive_hash"] for each in listed(keyed, key="bobs-key")] == [bobs]


def test_a_completed_archive_is_listed_with_size_expiry_and_url(keyed: App) -> None:
    hash_ = in_state(keyed.services.store, JobState.COMPLETED, client="ann")
    job = keyed.services.store.get(hash_)
    assert job.expires_at is not None
    (found,) = listed(keyed)
    assert found == {
        "archive_hash": hash_,
        "name": f"{hash_}.zip",
        "status": "completed",
        "created_at": job.created_at.isoformat().replace("+00:00", "Z"),
        "size": PUBLISHED.size,
        "expires_at": job.expires_at.isoformat().replace("+00:00", "Z"),
        "url": f"https://public.example/pack/archive/get/{hash_}.zip",
    }


def test_one_in_progress_is_listed_by_the_name_of_its_download(keyed: App) -> None:
    asked = request(client="ann", name="holiday.zip")
    keyed.services.store.create(asked, defer=no_defer)
    (found,) = listed(keyed)
    assert (found["name"], found["status"]) == ("holiday.zip", "in-progress")
    assert (found["size"], found["expires_at"], found["url"]) == (None, None, None)


def test_a_status_is_asked_for_by_its_own_word(keyed: App) -> None:
    of = {state: in_state(keyed.services.store, state, client="ann") for state in JobState}
    for word in ("completed", "failed", "cancelled", "expired"):
        (found,) = listed(keyed, f"?state={word}")
        assert (found["archive_hash"], found["status"]) == (of[JobState(word)], word)
    found_open = {each["archive_hash"] for each in listed(keyed, "?state=in-progress")}
    assert found_open == {of[JobState.QUEUED], of[JobState.RUNNING]}


def test_next_leads_to_the_following_page(keyed: App) -> None:
    hashes = [in_state(keyed.services.store, JobState.QUEUED, client="ann") for _ in range(3)]
    first = ask(keyed, "?limit=2").json()
    second = ask(keyed, f"?limit=2&cursor={first['next']}").json()
    found = [each["archive_hash"] for each in first["archives"] + second["archives"]]
    assert (found, second["next"]) == (hashes[::-1], None)


@pytest.mark.parametrize(
    "query", ["?state=queued", "?cursor=x", "?cursor=-1", "?limit=0", "?limit=1001"]
)
def test_what_is_no_state_cursor_or_limit_is_422(keyed: App, query: str) -> None:
    assert ask(keyed, query).status_code == 422
