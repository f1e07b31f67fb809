"""The form: lists come in in every way there is, and are checked as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.spec.service import Service

pytestmark = pytest.mark.needs("chromium")

GOOD = "https://example.org/a.jpg"

# Drop or paste data of these types, as a browser does it.
TRANSFER = """([id, kind, given]) => {
  const data = new DataTransfer();
  for (const [type, text] of Object.entries(given)) data.setData(type, text);
  const field = document.getElementById(id);
  const how = { bubbles: true, cancelable: true };
  field.dispatchEvent(kind === "paste"
    ? new ClipboardEvent("paste", { ...how, clipboardData: data })
    : new DragEvent("drop", { ...how, dataTransfer: data }));
}"""


def lines(page: Page) -> list[str]:
    return [line for line in page.locator("#links").input_value().split("\n") if line]


def choose(page: Page, name: str, content: bytes) -> None:
    page.set_input_files(
        "#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def test_each_line_that_cannot_be_used_is_named_while_it_is_typed(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nftp://example.org/x\nhttps://ann:pw@example.org/\n# mine\n")
    expect(page.locator("#links-count")).to_have_text("3 links · 1 image")
    said = page.locator("#wrong li").all_inner_texts()
    assert said[0].startswith("Line 2: only http:// and https:// links can be fetched")
    assert said[1].startswith("Line 3: links with a user name or password are not accepted")


@pytest.mark.long
def test_a_line_half_typed_is_not_corrected(page: Page) -> None:
    page.locator("#links").press_sequentially("https://exam")
    expect(page.locator("#links-count")).to_have_text("1 link")
    expect(page.locator("#wrong")).to_be_hidden()
    page.fill("#links", "example.org")
    expect(page.locator("#wrong li")).to_have_count(1)


@pytest.mark.long
def test_the_number_of_a_wrong_line_leads_to_it(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nnothing\n{GOOD}?2")
    page.click("#wrong >> text=Line 2")
    marked = "f => f.value.slice(f.selectionStart, f.selectionEnd)"
    assert page.locator("#links").evaluate(marked) == "nothing"


def test_duplicates_are_counted_and_removed_in_one_click_which_can_be_undone(page: Page) -> None:
    text = f"{GOOD}\n{GOOD}\n# mine\n{GOOD}?2\n{GOOD}\n"
    page.fill("#links", text)
    page.click("text=Remove 2 duplicates")
    assert page.locator("#links").input_value() == f"{GOOD}\n# mine\n{GOOD}?2\n"
    page.click("#undo")
    assert page.locator("#links").input_value() == text


@pytest.mark.long
def test_nothing_is_asked_for_while_a_line_is_wrong(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nnothing")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("1 link is invalid")
    assert page.url.endswith("/")


def test_what_only_the_server_knows_is_told_by_line_as_well(page: Page) -> None:
    page.fill("#links", f"# mine\n{GOOD}\nhttp://127.0.0.1:22/x")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("Line 3: port 22 is not allowed")


@pytest.mark.long
def test_a_bad_name_is_told_by_its_label(page: Page) -> None:
    page.fill("#links", GOOD)
    page.fill("#name", "a/b.zip")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("Name of the archive: must be a file name")


LISTS = [
    (
        {
            "text/plain": "My pictures\none two",
            "text/html": "<p>My <a href='https://a.example/1'>one</a> "
            "<a href='https://a.example/2#top'>two</a> <a href='mailto:x@y.example'>x</a>"
            "<a href='/relative'>r</a><img src=x onerror=alert(1)></p>",
        },
        ["1", "2"],
    ),
    (
        {"text/plain": "link\tname\nhttps://a.example/1\tMay/a.png\nhttps://a.example/2\tb.png"},
        ["1\tMay/a.png", "2\tb.png"],
    ),
    ({"text/plain": "See https://a.example/1, or (https://a.example/2)."}, ["1", "2"]),
]
FILES = [
    ("list.txt", b"https://a.example/1\r\nhttps://a.example/2\r\n", ["1", "2"]),
    ("note.txt", b"First https://a.example/1.\nThen https://a.example/2!", ["1", "2"]),
    (
        "table.csv",
        b'name;link\n"May; a.png";https://a.example/1\nb.png;https://a.example/2\n',
        ["1\tMay; a.png", "2\tb.png"],
    ),
    ("plain.csv", b"id,link,size\n7,https://a.example/1,12\n", ["1"]),
    ("saved.html", b"<a href=https://a.example/1>x</a><a href='https://a.example/2'>", ["1", "2"]),
    ("saved.htm", b"<!-- saved from url=(0022)https://a.example/ --><a href='1'>x</a>", ["1"]),
    ("excel.txt", "https://a.example/1\tä.png\r\n".encode("utf-16"), ["1\tä.png"]),
    ("old.csv", "https://a.example/1,ä.png\n".encode("cp1252"), ["1\tä.png"]),
]


@pytest.mark.parametrize("kind", ["paste", pytest.param("drop", marks=pytest.mark.long)])
def test_links_are_taken_out_of_what_is_pasted_or_dropped(page: Page, kind: str) -> None:
    for given, expected in LISTS:
        page.fill("#links", "")
        page.evaluate(TRANSFER, ["links", kind, given])
        assert lines(page) == [f"https://a.example/{each}" for each in expected], given


@pytest.mark.long
def test_a_pasted_list_of_links_is_left_to_the_browser(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = f"{GOOD}\n{GOOD}?2\tb.png"
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator("#links").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("#links")).to_have_value(text)
    page.keyboard.press("Control+Z")
    expect(page.locator("#links")).to_have_value("")


@pytest.mark.long
def test_a_dropped_list_of_addresses_is_taken(page: Page) -> None:
    given = {"text/uri-list": "# from elsewhere\r\nhttps://a.example/1\r\nhttps://a.example/2"}
    page.evaluate(TRANSFER, ["links", "drop", given])
    assert lines(page) == ["https://a.example/1", "https://a.example/2"]


@pytest.mark.long
def test_links_are_taken_out_of_a_file(page: Page) -> None:
    for name, content, expected in FILES:
        page.fill("#links", "")
        choose(page, name, content)
        expect(page.locator("#said")).to_contain_text(f"added from {name}")
        assert lines(page) == [f"https://a.example/{each}" for each in expected], name


@pytest.mark.long
def test_a_file_without_links_is_told(page: Page) -> None:
    page.fill("#links", GOOD)
    choose(page, "photo.jpg", bytes(range(256)))
    expect(page.locator("#ask-errors")).to_have_text("No links were found in photo.jpg.")
    assert lines(page) == [GOOD]


@pytest.mark.long
def test_a_reload_keeps_what_was_typed(page: Page) -> None:
    page.fill("#links", GOOD)
    page.reload()
    assert lines(page) == [GOOD]


def test_a_wrong_line_is_mended_or_removed_by_a_click_which_can_be_undone(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nwww.example.org/b c.jpg\tb.jpg\nnothing\n")
    page.click("text=Add https://")
    assert lines(page)[1] == "https://www.example.org/b c.jpg\tb.jpg"
    expect(page.locator("text=Add https://")).to_have_count(0)
    page.get_by_role("button", name="Remove", exact=True).click()
    assert page.locator("#links").input_value() == (
        f"{GOOD}\nhttps://www.example.org/b c.jpg\tb.jpg\n"
    )
    expect(page.locator("#wrong")).to_be_hidden()
    page.click("#undo")
    assert lines(page)[2] == "nothing"


@pytest.mark.long
def test_a_refusal_goes_when_the_list_is_changed(page: Page) -> None:
    page.fill("#links", "nothing")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("1 link is invalid")
    page.fill("#links", GOOD)
    expect(page.locator("#ask-errors")).to_be_empty()


@pytest.mark.long
def test_what_is_pasted_replaces_what_is_marked_and_the_browser_undoes_it(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nold")
    page.locator("#links").evaluate("field => field.setSelectionRange(26, 29)")
    given = {"text/plain": "one", "text/html": "<a href='https://a.example/1'>one</a>"}
    page.evaluate(TRANSFER, ["links", "paste", given])
    assert lines(page) == [GOOD, "https://a.example/1"]
    page.keyboard.press("Control+Z")
    assert lines(page) == [GOOD, "old"]


@pytest.mark.long
def test_the_form_is_sent_by_keyboard(page: Page) -> None:
    page.fill("#links", "nothing")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#ask-errors")).to_contain_text("1 link is invalid")


def test_a_pattern_is_expanded_by_a_click_which_can_be_undone(page: Page) -> None:
    page.fill("#links", "https://a.example/[08-10].jpg\tday [08-10].jpg")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("Line 1 has a pattern.")
    page.click("text=Expand to 3 links")
    assert lines(page) == [f"https://a.example/{n}.jpg\tday {n}.jpg" for n in ("08", "09", "10")]
    expect(page.locator("#ask-errors")).to_be_empty()
    page.click("#undo")
    assert lines(page) == ["https://a.example/[08-10].jpg\tday [08-10].jpg"]


@pytest.mark.long
def test_a_pattern_of_more_links_than_the_server_takes_is_not_expanded(page: Page) -> None:
    page.fill("#links", "https://a.example/[1-999999].jpg")
    expect(page.locator("#expand")).to_be_hidden()


@pytest.mark.long
def test_files_are_counted_by_kind(page: Page) -> None:
    page.fill(
        "#links", f"{GOOD}\n{GOOD}?size=large\nhttps://a.example/x\tclip.MP4\nhttps://b.example/"
    )
    expect(page.locator("#links-count")).to_have_text("4 links · 2 images, 1 video, 1 other")


@pytest.mark.long
def test_lines_have_numbers_and_wrong_ones_a_mark(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nnothing\n" + "\n".join(f"{GOOD}?{n}" for n in range(100)))
    field = page.locator("#links")
    field.evaluate("field => { field.scrollTop = 0 }")
    expect(page.locator(".wrong-line")).to_have_text("2")
    field.evaluate("field => { field.scrollTop = field.scrollHeight }")
    expect(page.locator("#gutter div").last).to_have_text("102")
    assert page.locator("#gutter div").count() < 30


@pytest.mark.long
def test_all_invalid_lines_are_removed_at_once(page: Page) -> None:
    page.fill("#links", f"nothing\n{GOOD}\n# mine\nftp://a.example/\n")
    page.locator("#links").blur()
    page.click("text=Remove 2 invalid lines")
    assert lines(page) == [GOOD, "# mine"]


def test_the_address_can_bring_links_and_forgets_them(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/docs")
    page.goto(f"{service.url}/#links=https%3A%2F%2Fa.example%2F1%0Ahttps://a.example/2?x=1%262")
    assert lines(page) == ["https://a.example/1", "https://a.example/2?x=1&2"]
    assert page.url == f"{service.url}/"
    page.goto(f"{service.url}/#links=https://a.example/100%")
    assert lines(page)[-1] == "https://a.example/100%"
    page.fill("#links", "")
    page.goto(f"{service.url}/?title=Look&text=at+https://a.example/3+now")
    assert lines(page) == ["https://a.example/3"]
    assert page.url == f"{service.url}/"


@pytest.mark.long
def test_links_are_pasted_and_dropped_anywhere(page: Page) -> None:
    given = {"text/plain": "https://a.example/1"}
    page.evaluate(TRANSFER, ["to-archives", "paste", given])
    page.evaluate(TRANSFER, ["to-archives", "drop", {"text/plain": "https://a.example/2"}])
    assert lines(page) == ["https://a.example/1", "https://a.example/2"]


@pytest.mark.long
def test_of_a_saved_page_links_images_or_videos_are_taken(page: Page) -> None:
    html = (
        b"<base href='https://a.example/'><a href=1>x</a><img src=i.jpg>"
        b"<img src=j.jpg srcset='j-1.jpg 1x, j-2.jpg 2x'><video><source src=v.mp4></video>"
    )
    for choice, expected in {
        "1 link": ["1"],
        "3 images": ["i.jpg", "j.jpg", "j-2.jpg"],
        "1 video": ["v.mp4"],
    }.items():
        page.fill("#links", "")
        choose(page, "saved.html", html)
        expect(page.locator("#which")).to_contain_text("What do you want from saved.html?")
        page.get_by_role("button", name=choice).click()
        assert lines(page) == [f"https://a.example/{each}" for each in expected]
        expect(page.locator("#which")).to_be_hidden()


@pytest.mark.long
def test_the_options_are_summed_up_in_a_sentence(page: Page) -> None:
    summary = page.locator("#options-summary")
    expect(summary).to_have_text(
        "If a file fails: stop and ask me · Keep for 7 days · Change options"
    )
    summary.click()
    page.select_option("#on_error", "skip")
    page.select_option("#expires_in", "86400")
    page.check("#manifest")
    expect(summary).to_contain_text("leave it out · Keep for 24 hours · 1 more option changed")
