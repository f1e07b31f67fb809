"""A job in the browser, from the list to the archive, through failures, restarts and other tabs."""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.browser.chromium import Watch
from tests.spec.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page
    from tests.fakes.origin import Origin

UNKNOWN_SPEED = {"bytes_per_second": 0.0, "eta_seconds": None}

pytestmark = pytest.mark.needs("chromium")


def ask(page: Page, *links: str, name: str = "") -> str:
    """Fill in the form and give the job's hash."""
    page.fill("#links", "\n".join(links))
    page.fill("#name", name)
    page.click("#make")
    page.wait_for_url(re.compile("#[0-9a-f]{32}$"))
    return page.url.rpartition("#")[2]


def test_a_list_becomes_an_archive_that_is_downloaded(page: Page, origin: Origin) -> None:
    ask(page, origin.put("/page/a.txt", b"one"), f"{origin.url('/page/a.txt')}\tb/c.txt", name="x")
    expect(page.locator("#job-state")).to_have_text("Your archive is ready")
    with page.expect_download() as waiting:
        page.click("#download")
    assert waiting.value.suggested_filename == "x.zip"
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.txt": b"one",
            "b/c.txt": b"one",
        }
    expect(page.locator("#job")).to_contain_text("Available until")
    expect(page.locator(".rows li")).to_have_count(2)


@pytest.mark.long
def test_the_link_is_copied(page: Page, origin: Origin) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hash_ = ask(page, origin.put("/copy/a.txt", b"one"))
    page.click("text=Copy link")
    expect(page.locator(".hand-on button").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/a/{hash_}")


def test_what_failed_is_told_in_words_and_the_archive_finished_without_it(
    page: Page, origin: Origin
) -> None:
    ask(page, origin.put("/part/a.txt", b"one"), origin.url("/part/gone.txt"))
    expect(page.locator("#job-state")).to_have_text("1 of 2 files couldn't be fetched")
    expect(page.locator(".failure")).to_contain_text("Not found (404)")
    expect(page.locator(".failure")).to_contain_text("/part/gone.txt")
    page.click("text=Get the ZIP with 1 file")
    expect(page.locator("#job-state")).to_have_text("Your archive is ready, but incomplete")
    expect(page.locator("#job")).to_contain_text("1 file is missing: ")


@pytest.mark.long
def test_a_mended_link_completes_at_the_next_try(page: Page, origin: Origin) -> None:
    ask(page, origin.url("/late/a.txt"))
    expect(page.locator("#job-state")).to_have_text("1 of 1 file couldn't be fetched")
    expect(page.locator("text=Get the ZIP")).to_have_count(0)  # nothing would be in it
    origin.put("/late/a.txt", b"one")
    page.click("text=Try again")
    expect(page.locator("#download")).to_be_visible()


def test_a_dead_link_is_replaced_in_place(page: Page, origin: Origin) -> None:
    ask(page, origin.put("/fix/a.txt", b"one"), origin.url("/fix/gone.txt"))
    page.click("text=Fix links")
    field = page.locator(".fix input")
    expect(field).to_be_focused()
    field.fill("ftp://example.org/b.txt")
    page.click("text=Try again with these links")
    expect(page.locator(".fix .refused")).to_contain_text("only http:// and https:// links")
    field.fill(origin.put("/fix/b.txt", b"two"))
    page.click("text=Try again with these links")
    expect(page.locator("#job-state")).to_have_text("Your archive is ready")


def test_a_job_is_cancelled_and_its_list_edited(page: Page, origin: Origin) -> None:
    link = origin.put("/slow/a.bin", bytes(4_000_000), held_from=100_000)
    ask(page, link, f"{link}?2\tfolder/b.bin")
    page.click("text=Cancel")
    expect(page.locator("#job-state")).to_have_text("Cancelled")
    page.reload()
    page.click("text=Edit the list")
    expect(page.locator("#links")).to_have_value(f"{link}\n{link}?2\tfolder/b.bin")
    expect(page.locator("#ask-errors")).to_be_empty()


@pytest.mark.long
def test_a_list_from_elsewhere_is_edited_with_a_note_on_queries(
    page: Page, service: Service, origin: Origin
) -> None:
    gone = origin.url("/elsewhere/gone")
    hash_ = service.create(f"{gone}?token=1", {"url": gone, "name": "folder/b"})
    service.outcome(hash_)
    page.goto(f"{service.url}/#{hash_}")
    page.click("text=Edit the list")
    expect(page.locator("#links")).to_have_value(f"{gone}\n{gone}\tfolder/b\n")
    expect(page.locator("#ask-errors")).to_contain_text("without their query")


@pytest.mark.long
def test_a_list_is_forgotten_with_its_job_and_older_ones_make_room(page: Page) -> None:
    kept = page.evaluate(
        """async () => {
          const place = document.querySelector("script[type=module]").src;
          const { forget, keepList, listOf } = await import(place.replace("page.js", "keeping.js"));
          const lists = [..."abcdefg"].map((each) => each.repeat(32));
          for (const each of lists) keepList(each, `list of ${each[0]}`);
          keepList(lists[3], "d again");
          forget(lists[6]);
          const some = lists.map(listOf);
          keepList(lists[0], "x".repeat(2_000_001));
          return [some, lists.map((each) => listOf(each)?.length ?? 0)];
        }"""
    )
    assert kept == [
        [None, None, "list of c", "d again", "list of e", "list of f", None],
        [2_000_001, 0, 0, 0, 0, 0, 0],
    ]


@pytest.mark.long
def test_the_files_shown_can_be_chosen_by_their_state(page: Page, origin: Origin) -> None:
    good = [origin.put(f"/choice/{n}.txt", b"one") for n in range(3)]
    ask(page, *good, origin.url("/choice/gone.txt"))
    expect(page.locator(".rows li")).to_have_count(4)
    page.get_by_role("button", name="Failed").click()
    expect(page.locator(".rows li")).to_have_count(1)
    expect(page.locator(".rows li")).to_contain_text("gone.txt")
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".rows li")).to_have_count(3)


def test_a_reload_in_the_middle_goes_on_where_it_was(page: Page, origin: Origin) -> None:
    ask(page, origin.put("/again/a.bin", bytes(300_000), held_from=150_000))
    expect(page.locator(".facts")).to_be_visible()
    page.reload()
    expect(page.locator(".facts")).to_be_visible()
    origin.release("/again/a.bin")
    expect(page.locator("#download")).to_be_visible()


@pytest.mark.long
def test_a_server_that_dies_in_the_middle_is_waited_for(
    context: BrowserContext, origin: Origin, tmp_path: Path
) -> None:
    with Service(tmp_path, ATTEMPTS="2") as service:
        service.start()
        page = context.new_page()
        watch = Watch(page, service.url)
        page.goto(service.url)
        ask(page, origin.put("/dies/a.bin", bytes(2_000_000), held_from=500_000))
        expect(page.locator(".facts")).to_be_visible()
        service.kill()
        expect(page.locator(".away")).to_contain_text("Retrying")
        origin.release("/dies/a.bin")
        service.start()
        expect(page.locator("#download")).to_be_visible(timeout=60_000)
        expect(page.locator(".away")).to_be_empty()
        assert watch.faults == []


@pytest.mark.long
def test_where_events_are_not_to_be_had_the_page_asks(
    context: BrowserContext, service: Service, origin: Origin
) -> None:
    context.add_init_script("delete globalThis.EventSource")
    page = context.new_page()
    page.goto(service.url)
    ask(page, origin.put("/asks/a.bin", bytes(300_000), rate=150_000))
    expect(page.locator("#download")).to_be_visible()


@pytest.mark.long
def test_what_an_event_tells_is_shown_and_its_end_believed(page: Page, origin: Origin) -> None:
    progress = {"files": {"total": 2, "done": 1, "failed": 0}, "bytes": {"done": 7, "total": 9}}
    ready = {"url": "http://x/", "size": 1234, "expires_at": "2099-01-01T00:00:00Z", "missing": []}
    events = [
        ("progress", {"status": "in-progress", "progress": progress | UNKNOWN_SPEED}),
        ("completed", {"status": "completed", **ready}),
    ]
    stream = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    page.route(
        re.compile("/api/archive/events/"),
        lambda route: route.fulfill(content_type="text/event-stream", body=stream),
    )
    ask(page, origin.put("/events/a.bin", bytes(4_000_000), held_from=100_000))
    expect(page.locator("#download")).to_have_text("Download, 1.2 kB")


@pytest.mark.long
def test_recent_archives_are_remembered_and_forgotten(
    page: Page, service: Service, origin: Origin
) -> None:
    hash_ = ask(page, origin.put("/recent/a.txt", b"one"), name="may.zip")
    expect(page.locator("#download")).to_be_visible()
    other = page.context.new_page()
    other.goto(service.url)
    expect(other.locator("#recent li")).to_contain_text("may.zip")
    expect(other.locator("#recent li")).to_contain_text("Ready")
    page.click("text=New archive")
    ask(page, origin.put("/recent/b.txt", b"two"), name="june.zip")
    expect(other.locator("#recent li")).to_have_count(2)  # the other tab has heard of it
    other.click("text=may.zip")
    assert other.url.endswith(f"#{hash_}")
    other.go_back()
    other.get_by_label("Take may.zip off the list").click()
    expect(other.locator("#recent li")).to_have_count(1)
    other.click("text=Clear the list")
    expect(other.locator("#recent")).to_be_hidden()


@pytest.mark.long
def test_the_back_button_leads_from_the_job_to_the_form_and_forth(
    page: Page, origin: Origin
) -> None:
    ask(page, origin.put("/back/a.txt", b"one"))
    expect(page.locator("#download")).to_be_visible()
    page.go_back()
    expect(page.locator("#links")).to_be_visible()
    expect(page.locator("#job")).to_be_hidden()
    page.go_forward()
    expect(page.locator("#download")).to_be_visible()


def test_an_archive_nobody_knows_is_told(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/#{'0' * 32}")
    expect(page.locator("#job-state")).to_have_text("There is no archive at this link")


@pytest.mark.long
def test_whoever_has_only_the_link_sees_the_files_too(
    page: Page, service: Service, origin: Origin
) -> None:
    hash_ = service.completed(origin.put("/handed/a.txt", b"one"), origin.put("/handed/b.txt"))
    page.goto(f"{service.url}/#{hash_}")
    expect(page.locator(".rows li")).to_have_count(2)


def test_all_of_it_works_by_keyboard(page: Page, origin: Origin) -> None:
    page.locator("#links").focus()
    page.keyboard.insert_text(origin.put("/keys/a.txt", b"one"))
    for _ in range(3):  # the name, the options, the button
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#job-state")).to_be_focused()
    expect(page.locator("#download")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#download")).to_be_focused()


@pytest.mark.long
def test_the_next_archive_has_its_own_name_and_the_list_the_focus(
    page: Page, origin: Origin
) -> None:
    ask(page, origin.put("/named/a.txt", b"one"), name="may.zip")
    expect(page.locator("#download")).to_be_visible()
    page.click("text=New archive")
    expect(page.locator("#links")).to_be_focused()
    expect(page.locator("#name")).to_have_value("")


@pytest.mark.long
def test_an_edited_list_can_give_way_to_the_one_that_was_there(page: Page, origin: Origin) -> None:
    gone = origin.url("/draft/gone")
    ask(page, gone)
    expect(page.locator("#job-state")).to_have_text("1 of 1 file couldn't be fetched")
    address = page.url
    page.click("text=New archive")
    page.fill("#links", "https://example.org/draft")
    page.goto(address)
    page.click("text=Edit the list")
    expect(page.locator("#links")).to_have_value(gone)
    page.click("#undo")
    expect(page.locator("#links")).to_have_value("https://example.org/draft")


def progress(done: int, total: int | None) -> dict[str, object]:
    amount = {"done": done, "total": total}
    files = {"total": 3, "done": 1, "failed": 0}
    return {"status": "in-progress", "progress": {"files": files, "bytes": amount} | UNKNOWN_SPEED}


@pytest.mark.long
def test_progress_never_goes_backwards(page: Page, origin: Origin) -> None:
    told = [progress(66, 100), progress(70, 200), progress(80, None)]
    stream = "".join(f"event: progress\ndata: {json.dumps(each)}\n\n" for each in told)
    page.route(
        re.compile("/api/archive/events/"),
        lambda route: route.fulfill(content_type="text/event-stream", body=stream),
    )
    page.route(re.compile("/api/archive/status/"), lambda route: route.fulfill(json=told[0]))
    ask(page, origin.put("/backwards/a.bin", bytes(400_000), held_from=1000))
    expect(page.locator(".facts")).to_contain_text("80 bytes")
    expect(page.locator(".percent")).to_have_text("66%")


def test_an_estimated_size_is_said_to_be_one(page: Page, origin: Origin) -> None:
    estimate = progress(50, 100)
    estimate["progress"] |= {"total_is_estimate": True, "eta_seconds": 9.6}  # type: ignore[operator]
    page.route(re.compile("/api/archive/status/"), lambda route: route.fulfill(json=estimate))
    page.route(re.compile("/api/archive/events/"), lambda route: route.abort())
    ask(page, origin.put("/estimate/a.bin", bytes(400_000), held_from=1000))
    expect(page.locator(".facts")).to_contain_text("50 bytes of about 100 bytes")
    expect(page.locator(".facts")).to_contain_text("about 10 s left")


def test_a_file_that_waits_says_why_and_for_how_long(page: Page, origin: Origin) -> None:
    busy = {
        "position": 0,
        "name": "busy.jpg",
        "code": "http-status",
        "detail": "the host is busy (429)",
        "attempts": 2,
        "next_attempt_at": "2099-01-01T00:00:00Z",
    }
    told = progress(1, 2) | {"retrying": [busy, busy]}
    page.route(re.compile("/api/archive/status/"), lambda route: route.fulfill(json=told))
    page.route(re.compile("/api/archive/events/"), lambda route: route.abort())
    ask(page, origin.put("/waits/a.bin", bytes(400_000), held_from=1000))
    expect(page.locator(".waiting")).to_have_text(
        re.compile(
            r"^busy\.jpg has to wait: the host is busy \(429\)\. Try 3 in \d+:\d\d, and 1 more"
        )
    )


def test_a_tab_left_open_learns_that_the_archive_has_expired(page: Page, origin: Origin) -> None:
    soon = {"url": "http://x/", "size": 9, "expires_at": "2020-01-01T00:00:00Z", "missing": []}
    answers = [{"status": "completed", **soon}, {"status": "expired"}]
    page.route(
        re.compile("/api/archive/status/"),
        lambda route: route.fulfill(json=answers.pop(0) if len(answers) > 1 else answers[0]),
    )
    ask(page, origin.put("/expires/a.txt", b"one"))
    expect(page.locator("#job-state")).to_have_text("The archive has been removed")
    expect(page.locator("#download")).to_have_count(0)
    page.click("text=Create it again")
    expect(page.locator("#links")).to_have_value(origin.url("/expires/a.txt"))


@pytest.mark.long
def test_the_tabs_of_a_failed_job_count_its_files(page: Page, origin: Origin) -> None:
    ask(page, origin.put("/counted/a.txt", b"one"), origin.url("/counted/gone"))
    expect(page.get_by_role("button", name="Failed 1")).to_be_visible()
    expect(page.get_by_role("button", name="Done 1")).to_be_visible()


@pytest.mark.long
def test_no_file_of_a_cancelled_job_is_said_to_be_fetched(page: Page, origin: Origin) -> None:
    ask(page, origin.put("/stopped/a.bin", bytes(4_000_000), held_from=100_000))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".file-state")).to_have_text("Not fetched")


@pytest.mark.long
def test_a_failed_link_can_be_opened(page: Page, origin: Origin) -> None:
    link = origin.url("/opened/gone")
    ask(page, link)
    opened = page.locator(".failure li a")
    expect(opened).to_have_attribute("href", link)
    expect(opened).to_have_attribute("rel", "noopener noreferrer")


@pytest.mark.long
def test_bars_are_seen_where_the_system_forces_its_colours(page: Page, origin: Origin) -> None:
    ask(page, origin.put("/forced/a.bin", bytes(4_000_000), held_from=100_000))
    page.emulate_media(forced_colors="active")
    shown = page.locator("#job progress").evaluate("bar => getComputedStyle(bar).appearance")
    page.emulate_media(forced_colors="none")
    assert shown == "auto"
    page.get_by_role("button", name="Cancel").click()
