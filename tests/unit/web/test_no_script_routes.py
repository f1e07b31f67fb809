"""The pages without JavaScript: what a form becomes, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from tests.fakes.jobs import begun, checkpoint, done, in_state

from packmule.jobs.model import Compression, JobState, OnError, OnHtml
from packmule.outbound.addresses import parse_networks
from packmule.web.api_keys import Keyring, parse_keys
from packmule.web.client_address import ClientAddresses
from packmule.web.language import LANGUAGES
from packmule.web.no_script_pages import job_page
from packmule.web.services import Access

if TYPE_CHECKING:
    import httpx
    from tests.unit.web.conftest import App

LINK = "https://example.com/a"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(
    app: App, path: str = "/archives", *, more: dict[str, str] | None = None, **fields: str
) -> httpx.Response:
    return app.ask("POST", path, content=urlencode(fields), headers=FORM | (more or {}))


def created(app: App, answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    where, _, hash_ = answer.headers["location"].partition("/")
    assert where == "archives"  # relative: it holds behind whatever a proxy puts before it
    assert [queued for queued, _ in app.queued] == [hash_]
    return hash_


def test_every_field_of_the_form_is_obeyed(app: App) -> None:
    hash_ = created(
        app,
        post(
            app,
            links=f"# mine\r\n\r\n {LINK} \t b/c.txt \r\n{LINK}?2",
            name=" may ",
            on_error="skip",
            on_html="fail",
            compression="store",
            expires_in="3600",
            priority="-10",
        ),
    )
    job = app.services.store.get(hash_)
    assert (job.name, job.expires_in, job.priority) == ("may.zip", 3600, -10)
    assert (job.on_error, job.on_html) == (OnError.SKIP, OnHtml.FAIL)
    assert job.compression is Compression.STORE
    files = app.services.store.files(hash_).files
    assert [(each.url, each.name) for each in files] == [(LINK, "b/c.txt"), (f"{LINK}?2", None)]


def test_fields_left_empty_are_as_if_they_were_not_there(app: App) -> None:
    hash_ = created(app, post(app, links=LINK, name="", expires_in="", priority="0", key=""))
    assert app.services.store.get(hash_).name is None


def test_a_form_of_another_site_is_refused(app: App) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = post(app, links=LINK, more=headers)
        assert answer.status_code == 403
    assert app.queued == []


def test_a_form_of_the_page_itself_is_taken(app: App) -> None:
    assert post(app, links=LINK, more={"Origin": "http://test"}).status_code == 303


def test_what_is_no_form_is_refused(app: App) -> None:
    answer = app.ask("POST", "/archives", json={"links": LINK})
    assert answer.status_code == 415
    many = urlencode({f"field{n}": "x" for n in range(100)})
    assert app.ask("POST", "/archives", content=many, headers=FORM).status_code == 400
    answer = app.ask("POST", "/archives", content=b"links=%ff", headers=FORM)
    assert answer.status_code == 400
    answer = app.ask("POST", "/archives", content=b"links=\xff", headers=FORM)
    assert answer.status_code == 400
    assert app.queued == []


def test_bad_lines_come_back_with_the_form_as_it_was_filled_in(app: App) -> None:
    answer = post(app, links=f"{LINK}\n# x\n<b>", name='"><script>', priority="10")
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert "Line 3: the link must begin with" in answer.text
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text
    assert 'name="priority" value="10"' in answer.text


def test_a_page_of_a_job_in_progress_reloads_until_that_is_stopped(app: App) -> None:
    hash_ = created(app, post(app, links=LINK))
    assert app.ask("GET", f"/archives/{hash_}").headers["refresh"] == "2"
    assert "refresh" not in app.ask("GET", f"/archives/{hash_}?still").headers


def test_a_finished_archive_has_its_link_and_its_page_rests(app: App) -> None:
    hash_ = app.completed(b"archive")
    answer = app.ask("GET", f"/archives/{hash_}")
    assert f'href="../archive/get/{hash_}.zip"' in answer.text
    assert "refresh" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_a_split_archive_has_the_links_to_its_parts() -> None:
    parts = [{"url": "x", "size": 1_000_000, "files": 12}, {"url": "x", "size": 5, "files": 1}]
    status = {
        "status": "completed", "url": "x", "size": 1_000_005, "parts": parts,
        "expires_at": "2026-03-01T12:30:15Z", "missing": [], "warnings": [],
    }  # fmt: skip
    page = job_page(LANGUAGES["en"], "0" * 32, status, reloads=False)
    for number, words in (
        (1, "Download part 1, 1.0 MB</a>, 12 files"),
        (2, "5 bytes</a>, 1 file<"),
    ):
        assert f'href="../archive/get/{"0" * 32}/parts/{number}"' in page
        assert words in page
    assert '.zip"' not in page


def test_cancelling_twice_leads_to_the_job_both_times(app: App) -> None:
    hash_ = created(app, post(app, links=LINK))
    for _ in range(2):
        answer = post(app, f"/archives/{hash_}/cancel")
        assert (answer.status_code, answer.headers["location"]) == (303, f"../{hash_}")
    assert "Cancelled" in app.ask("GET", f"/archives/{hash_}").text
    assert post(app, f"/archives/{hash_}/retry").status_code == 303  # the job's page shows what is


@pytest.mark.parametrize("hash_", ["0", "0" * 32, "%00", "%ff", "%e2%82%ac", "x%3Fwait=9", "%0a"])
def test_an_unknown_job_has_a_page_for_people(app: App, hash_: str) -> None:
    for answer in (
        app.ask("GET", f"/archives/{hash_}"),
        post(app, f"/archives/{hash_}/cancel"),
        post(app, f"/archives/{hash_}/retry"),
    ):
        assert answer.status_code == 404
        assert "There is no archive of that hash." in answer.text


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Request-ID", "Authorization"])
def test_a_header_that_is_no_ascii_is_passed_on_as_it_is(app: App, name: str) -> None:
    headers = {name: b"\xe9"}
    assert app.ask("GET", f"/archives/{'0' * 32}", headers=headers).status_code == 404


def test_a_line_with_a_nul_is_told_by_its_number(app: App) -> None:
    answer = post(app, links=f"{LINK}\n{LINK}\ta\0b")
    assert answer.status_code == 422
    assert "Line 2: must not contain a NUL character" in answer.text
    assert app.queued == []


def test_a_failed_job_is_finished_with_what_is_packed(app: App) -> None:
    hash_ = in_state(app.services.store, JobState.FAILED)
    assert "Get the ZIP with 1 file<" in app.ask("GET", f"/archives/{hash_}").text
    answer = post(app, f"/archives/{hash_}/finish")
    assert (answer.status_code, answer.headers["location"]) == (303, f"../{hash_}")
    assert app.services.store.get(hash_).finishing
    assert [queued for queued, _ in app.queued] == [hash_]
    assert "Finish now" not in app.ask("GET", f"/archives/{hash_}").text


def test_a_job_in_progress_can_be_finished_once_a_file_is_packed(app: App) -> None:
    run = begun(app.services.store)
    page = f"/archives/{run.job.hash}"
    assert "Finish now" not in app.ask("GET", page).text
    app.services.store.checkpoint(run.fence, checkpoint(done(0)))
    assert "Finish now without the rest" in app.ask("GET", page).text


def test_there_are_no_other_actions(app: App) -> None:
    assert post(app, f"/archives/{'0' * 32}/delete").status_code == 404


def test_a_page_names_so_many_failures_and_no_more() -> None:
    failure = {"url": "https://example.org/<i>", "detail": "no such host"}
    status = {
        "status": "failed",
        "error": {"code": "files-failed", "detail": "All failed"},
        "files": {"total": 1_000, "done": 0, "failed": 1_000},
        "failures": [failure] * 1_000,
    }
    page = job_page(LANGUAGES["en"], "0" * 32, status, reloads=False)
    assert page.count("no such host") == 200
    assert "These are the first 200." in page
    assert "<i>" not in page


def test_a_form_is_counted_by_the_address_that_our_proxy_says_not_the_clients_own_word(
    app: App,
) -> None:
    app.change(access=Access(addresses=ClientAddresses(parse_networks("127.0.0.1"))))
    lines = [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-For", "192.0.2.1")]
    headers = [*FORM.items(), *lines]
    answer = app.ask("POST", "/archives", content=urlencode({"links": LINK}), headers=headers)
    assert app.services.store.get(created(app, answer)).client == "address:192.0.2.1"


def test_a_form_cannot_be_sent_with_two_keys(app: App) -> None:
    app.change(access=Access(keys=Keyring(parse_keys("ann:anns-key"))))
    shown = [("Authorization", "Bearer anns-key"), ("Authorization", "Bearer other")]
    headers = [*FORM.items(), *shown]
    answer = app.ask("POST", "/archives", content=urlencode({"links": LINK}), headers=headers)
    assert answer.status_code == 400
    assert app.queued == []
    # The form's own field stands for whatever the browser sends along.
    answer = app.ask(
        "POST", "/archives", content=urlencode({"links": LINK, "key": "anns-key"}), headers=headers
    )
    assert app.services.store.get(created(app, answer)).client == "ann"
