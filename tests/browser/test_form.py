"""The form: lists come in in every way there is, and are checked as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

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
    expect(page.locator("#links-count")).to_have_text("3 links, 2 invalid")
    said = page.locator("#wrong li").all_inner_texts()
    assert said[0].startswith("Line 2: only http:// and https:// links can be fetched")
    assert said[1].startswith("Line 3: links with a user name or password are not accepted")


def test_a_line_half_typed_is_not_corrected(page: Page) -> None:
    page.locator("#links").press_sequentially("https://exam")
    expect(page.locator("#links-count")).to_have_text("1 link")
    expect(page.locator("#wrong")).to_be_hidden()
    page.fill("#links", "example.org")
    expect(page.locator("#wrong li")).to_have_count(1)


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


def test_nothing_is_asked_for_while_a_line_is_wrong(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nnothing")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("1 link is invalid")
    assert page.url.endswith("/")


def test_what_only_the_server_knows_is_told_by_line_as_well(page: Page) -> None:
    page.fill("#links", f"# mine\n{GOOD}\nhttp://127.0.0.1:22/x")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("Line 3: port 22 is not allowed")


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


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_links_are_taken_out_of_what_is_pasted_or_dropped(page: Page, kind: str) -> None:
    for given, expected in LISTS:
        page.fill("#links", "")
        page.evaluate(TRANSFER, ["links", kind, given])
        assert lines(page) == [f"https://a.example/{each}" for each in expected], given


def test_a_pasted_list_of_links_is_left_to_the_browser(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = f"{GOOD}\n{GOOD}?2\tb.png"
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator("#links").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("#links")).to_have_value(text)
    page.keyboard.press("Control+Z")
    expect(page.locator("#links")).to_have_value("")


def test_a_dropped_list_of_addresses_is_taken(page: Page) -> None:
    given = {"text/uri-list": "# from elsewhere\r\nhttps://a.example/1\r\nhttps://a.example/2"}
    page.evaluate(TRANSFER, ["links", "drop", given])
    assert lines(page) == ["https://a.example/1", "https://a.example/2"]


def test_links_are_taken_out_of_a_file(page: Page) -> None:
    for name, content, expected in FILES:
        page.fill("#links", "")
        choose(page, name, content)
        expect(page.locator("#said")).to_contain_text(f"added from {name}")
        assert lines(page) == [f"https://a.example/{each}" for each in expected], name


def test_a_file_without_links_is_told(page: Page) -> None:
    page.fill("#links", GOOD)
    choose(page, "photo.jpg", bytes(range(256)))
    expect(page.locator("#ask-errors")).to_have_text("No links were found in photo.jpg.")
    assert lines(page) == [GOOD]


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


def test_a_refusal_goes_when_the_list_is_changed(page: Page) -> None:
    page.fill("#links", "nothing")
    page.click("#make")
    expect(page.locator("#ask-errors")).to_contain_text("1 link is invalid")
    page.fill("#links", GOOD)
    expect(page.locator("#ask-errors")).to_be_empty()


def test_what_is_pasted_replaces_what_is_marked_and_the_browser_undoes_it(page: Page) -> None:
    page.fill("#links", f"{GOOD}\nold")
    page.locator("#links").evaluate("field => field.setSelectionRange(26, 29)")
    given = {"text/plain": "one", "text/html": "<a href='https://a.example/1'>one</a>"}
    page.evaluate(TRANSFER, ["links", "paste", given])
    assert lines(page) == [GOOD, "https://a.example/1"]
    page.keyboard.press("Control+Z")
    assert lines(page) == [GOOD, "old"]


def test_the_form_is_sent_by_keyboard(page: Page) -> None:
    page.fill("#links", "nothing")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#ask-errors")).to_contain_text("1 link is invalid")
