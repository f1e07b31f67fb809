"""What a page must bear: hostile names, blocked storage, lost answers, keys, a slow line."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.browser.chromium import Watch
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Route
    from tests.fakes.origin import Origin

pytestmark = pytest.mark.needs("chromium")

SCRIPT = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>'
KEY = secrets.token_urlsafe(32)
BLOCKED = """
for (const each of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, each, { get() { throw new Error("blocked") } });
}
"""
CREATE = re.compile("/api/archive/create$")


def test_html_in_links_and_names_stays_text(page: Page, service: Service, origin: Origin) -> None:
    link = origin.put("/html/a.txt", b"one")
    hash_ = service.create(
        {"url": f"{link}?{SCRIPT}", "name": f"{SCRIPT}.txt"},
        {"url": f"{origin.url('/html/gone')}#{SCRIPT}", "name": f"gone {SCRIPT}"},
    )
    service.outcome(hash_)
    for address in (f"/#{hash_}", f"/archives/{hash_}"):
        page.goto(f"{service.url}{address}")
        expect(page.locator("#job")).to_contain_text("/html/gone")
        assert page.locator("#job img, #job script").count() == 0
        assert "taken" not in page.title()
    page.goto(service.url)
    # With a letter in front: the brackets around a whole line are taken for quotation marks.
    page.fill("#links", f"x{SCRIPT}\n{link}\t{SCRIPT}")
    expect(page.locator("#wrong code")).to_have_text(f"x{SCRIPT}")
    page.evaluate(
        "entry => localStorage.setItem('packmule.recent', JSON.stringify([entry]))",
        {
            "hash": hash_,
            "name": SCRIPT,
            "at": 1,
            "files": SCRIPT,
            "state": SCRIPT,
        },
    )
    page.reload()
    expect(page.locator("#recent a")).to_have_text(SCRIPT)
    assert page.locator("#recent img").count() == 0


@pytest.mark.long
@pytest.mark.parametrize(
    "broken",
    [
        BLOCKED,
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') };",
        "try { localStorage.setItem('packmule.recent', '{\"not\": [\"a list\"') } catch {}",
    ],
    ids=["blocked", "full", "garbage"],
)
def test_without_storage_the_page_works_as_long_as_it_is_open(
    context: BrowserContext, service: Service, origin: Origin, broken: str
) -> None:
    context.add_init_script(broken)
    page = context.new_page()
    watch = Watch(page, service.url)
    page.goto(service.url)
    page.fill("#links", origin.put("/stored/a.txt", b"one"))
    page.click("#make")
    expect(page.locator("#download")).to_be_visible()
    page.click("text=New archive")
    expect(page.locator("#recent li")).to_have_count(1)
    assert watch.faults == []


def test_a_list_whose_answer_was_lost_is_sent_again_without_a_second_job(
    page: Page, origin: Origin
) -> None:
    made: list[str] = []

    def lose_the_first(route: Route) -> None:
        answer = route.fetch()
        made.append(answer.json()["archive_hash"])
        if len(made) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route(CREATE, lose_the_first)
    page.fill("#links", origin.put("/lost/a.txt", b"one"))
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("Your list is kept")
    page.click("#make")
    expect(page.locator("#download")).to_be_visible()
    assert made[0] == made[1]


@pytest.mark.long
def test_a_key_is_asked_for_where_the_server_asks_and_kept_for_the_tab(
    context: BrowserContext, browser: Browser, origin: Origin, tmp_path: Path
) -> None:
    link = origin.put("/key/a.txt", b"one")
    with Service(tmp_path, ATTEMPTS="2", API_KEYS=f"ann:{KEY}") as service:
        service.start()
        page = context.new_page()
        watch = Watch(page, service.url)
        page.goto(service.url)
        page.fill("#links", f"{link}\n{origin.url('/key/gone')}")
        expect(page.locator("#key")).to_be_hidden()
        page.click("#make")
        expect(page.locator("#key")).to_be_focused()
        page.fill("#key", KEY)
        page.keyboard.press("Enter")
        expect(page.locator(".rows li")).to_have_count(2)
        page.reload()
        page.click("text=Get the ZIP with 1 file")
        expect(page.locator("#download")).to_be_visible()
        assert KEY not in page.evaluate("JSON.stringify(localStorage)")
        assert watch.faults == []
        _by_link_alone(browser, page.url)
        _all_of_the_key(page)
        _without_javascript(browser, service, link)


def _all_of_the_key(page: Page) -> None:
    """The key's owner sees every archive, also those of another browser, and deletes one."""
    page.click("text=New archive")
    listed = page.locator("#of-key li")
    expect(listed).to_have_count(1)
    expect(listed).to_contain_text("Ready")
    expect(listed.get_by_role("link", name="Download")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    listed.get_by_role("button", name="Delete").click()
    expect(listed).to_have_count(0)
    expect(page.locator("#recent li")).to_have_count(0)


def _by_link_alone(browser: Browser, url: str) -> None:
    """Whoever has only the link may download, and is not bothered with a key."""
    stranger = browser.new_page()
    stranger.goto(url)
    expect(stranger.locator("#download")).to_be_visible()
    expect(stranger.locator("#files")).to_be_hidden()
    expect(stranger.get_by_role("button", name="Try this file again")).to_be_visible()
    expect(stranger.get_by_role("button", name="Edit the list")).to_have_count(0)
    stranger.close()


def _without_javascript(browser: Browser, service: Service, link: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(service.url)
    page.fill("#links", f"{link}\n{link}-gone")
    page.click("#make")
    page.fill("#key", KEY)
    page.click("#make")
    page.click("text=Get the ZIP with 1 file")
    page.fill("#key", KEY)
    page.click("text=Use this key")
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=60_000)
    page.close()


@pytest.mark.long
def test_who_asks_too_often_is_told_when_to_ask_again(page: Page) -> None:
    problem = {"status": 429, "code": "rate-limited", "detail": "Too often."}
    page.route(
        CREATE,
        lambda route: route.fulfill(
            status=429,
            headers={"Retry-After": "42", "Content-Type": "application/problem+json"},
            body=json.dumps(problem),
        ),
    )
    page.fill("#links", "https://example.org/a")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("Try again in 42 s.")


@pytest.mark.long
def test_a_proxy_that_answers_for_a_dead_server_is_taken_for_away(
    page: Page, service: Service, origin: Origin
) -> None:
    hash_ = service.completed(origin.put("/proxy/a.txt", b"one"))
    api = re.compile("/api/")
    page.route(api, lambda route: route.fulfill(status=502, body="<html>Bad gateway"))
    page.goto(f"{service.url}/#{hash_}")
    expect(page.locator(".away")).to_contain_text("Something other than Packmule answered.")
    page.unroute(api)
    expect(page.locator("#download")).to_be_visible()


def test_a_click_counts_once_on_a_slow_line(page: Page, origin: Origin) -> None:
    asked: list[str] = []

    def slowly(route: Route) -> None:
        asked.append(route.request.url)
        page.wait_for_timeout(500)
        route.continue_()

    page.route(CREATE, slowly)
    page.fill("#links", origin.put("/slow-line/a.txt", b"one"))
    page.locator("#make").dblclick()
    expect(page.locator("#download")).to_be_visible()
    assert len(asked) == 1
