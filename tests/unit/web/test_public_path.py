"""A public URL with a path: what leads somewhere has it, and requests may have it or not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from tests.fakes.jobs import FAILURE, no_defer, request

from packmule.web.public_path import public_path

if TYPE_CHECKING:
    from tests.unit.web.conftest import App

LINK = {"urls": ["https://example.com/a"]}
PATH = "/pack"  # that of the public URL in conftest.py


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://example.org", ""),
        ("https://example.org/", ""),
        ("https://example.org/a", "/a"),
        ("https://example.org/a/b/", "/a/b"),
    ],
)
def test_the_path_of_a_public_url(url: str, path: str) -> None:
    assert public_path(url) == path


@pytest.mark.parametrize("path", ["", PATH])
def test_a_request_may_have_the_path_or_not(app: App, path: str) -> None:
    answer = app.ask("POST", f"{path}/api/archive/create", json=LINK)
    assert answer.status_code == 202
    status = f"{PATH}/api/archive/status/{answer.json()['archive_hash']}"
    assert answer.headers["location"] == status
    assert app.ask("GET", status).status_code == 200
    assert app.ask("GET", status.removeprefix(PATH)).status_code == 200


@pytest.mark.parametrize("path", ["", PATH])
def test_a_form_leads_to_a_page_under_the_same_path(app: App, path: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = app.ask("POST", f"{path}/archives", headers=form, content="links=https://a.example/a")
    assert posted.status_code == 303
    page = urljoin(f"{path}/archives", posted.headers["location"])
    assert page.startswith(f"{path}/archives/")
    assert app.ask("GET", page).status_code == 200
    cancelled = app.ask("POST", f"{page}/cancel", headers=form)
    assert urljoin(f"{page}/cancel", cancelled.headers["location"]) == page


def test_the_path_alone_leads_to_the_page_and_names_no_scheme(app: App) -> None:
    answer = app.ask("GET", PATH)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{PATH}/")
    assert "<form" in app.ask("GET", f"{PATH}/").text
    assert app.ask("GET", PATH, headers={"Host": "foreign.example"}).status_code == 421


@pytest.mark.parametrize("path", ["/packed", "/packhealthz", "/pack/pack/docs", "/pack//docs"])
def test_other_paths_are_not_found(app: App, path: str) -> None:
    assert app.ask("GET", path).status_code == 404


def test_a_path_that_routes_begin_with_is_left_to_the_proxy_to_remove(app: App) -> None:
    app.change(public_url="https://public.example/api")
    answer = app.ask("POST", "/api/archive/create", json=LINK)
    assert answer.status_code == 202
    assert answer.headers["location"].startswith("/api/api/archive/status/")


@pytest.mark.parametrize("path", ["", PATH])
def test_the_description_names_the_public_url(app: App, path: str) -> None:
    document = app.ask("GET", f"{path}/openapi.json").json()
    assert document["servers"] == [{"url": "https://public.example/pack"}]


def test_without_a_path_the_description_names_no_server(app: App) -> None:
    app.change(public_url="https://public.example")
    assert "servers" not in app.ask("GET", "/openapi.json").json()


def test_a_retried_job_has_its_status_under_the_path(app: App) -> None:
    store = app.services.store
    hash_ = store.create(request(), defer=no_defer)
    run = store.begin(hash_)
    assert run is not None
    store.fail(run.fence, FAILURE)
    answer = app.ask("POST", f"/api/archive/retry/{hash_}")
    assert answer.headers["location"] == f"{PATH}/api/archive/status/{hash_}"
