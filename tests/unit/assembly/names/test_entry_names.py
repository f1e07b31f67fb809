"""What each entry of one archive is called."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.assembly.names.entry_names import EntryNames
from packmule.zipformat.names import clash_key, safe_name

ROOT = "https://example.org/"


def claimed(
    *wanted: str | tuple[str, str | None],
    heads: dict[int, tuple[str | None, str | None]] | None = None,
    order: list[int] | None = None,
) -> list[str]:
    """Claim all names, in `order` of arrival, and give them in the caller's order."""
    names = EntryNames([(each, None) if isinstance(each, str) else each for each in wanted])
    found = {}
    for position in order or range(len(wanted)):
        disposition, content_type = (heads or {}).get(position, (None, None))
        found[position] = names.claim(
            position, content_disposition=disposition, content_type=content_type
        )
    return [found[position] for position in range(len(wanted))]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/a/photo.jpg", "photo.jpg"),
        ("http://example.org/photo.jpg?size=1/2#top", "photo.jpg"),
        ("https://example.org:8443/a%20b/M%C3%BCnchen%20%28alt%29.jpg", "München (alt).jpg"),
        ("https://example.org/a+b.txt", "a+b.txt"),
        ("https://example.org/o/images%2Fphoto.jpg", "images_photo.jpg"),
        ("https://example.org/bad%FFbyte.txt", "badÿbyte.txt"),
        ("https://example.org/%2e%2e%2fetc", ".._etc"),
        ("https://example.org/100%.txt", "100%.txt"),
        ("https://example.org/con.txt", "_con.txt"),
        ("https://example.org/x.tar.gz", "x.tar.gz"),
        ("https://example.org/photos/", "photos"),
        ("https://example.org/a/%2E%2E/", "a"),
        ("HTTPS://EXAMPLE.ORG/A.TXT", "A.TXT"),
        ("https://example.org/日本.txt", "日本.txt"),
        ("https://example.org/" + "x" * 300 + ".bin", "x" * 251 + ".bin"),
    ],
)
def test_a_url_gives_its_last_segment_decoded(url: str, name: str) -> None:
    assert claimed(url) == [name]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org", "example.org"),
        ("https://example.org/", "example.org"),
        ("https://example.org//?q=a/b.txt", "example.org"),
        ("https://example.org?q=a/b.txt", "example.org"),
        ("https://example.org:8443/#a/b.txt", "example.org"),
        ("http://[2001:db8::1]/", "2001_db8__1"),
        ("https://example.org/../.", "example.org"),
    ],
)
def test_a_url_without_a_segment_gives_its_host(url: str, name: str) -> None:
    assert claimed(url) == [name]


def test_a_host_is_no_name_with_an_extension() -> None:
    html = (None, "text/html")
    assert claimed(ROOT, ROOT + "?2", heads={0: html, 1: html}) == [
        "example.org.html",
        "example.org (1).html",
    ]


@pytest.mark.parametrize(
    ("url", "content_type", "name"),
    [
        ("photo", "image/jpeg", "photo.jpg"),
        ("photo.png", "image/jpeg", "photo.png"),
        ("photo", "application/octet-stream", "photo"),
        ("photo", None, "photo"),
        ("page", "text/html; charset=utf-8", "page.html"),
        ("x" * 255, "image/png", "x" * 200 + ".png"),
        ("x" * 255, None, "x" * 200),
    ],
)
def test_a_name_without_extension_gets_one_by_content_type(
    url: str, content_type: str | None, name: str
) -> None:
    assert claimed(ROOT + url, heads={0: (None, content_type)}) == [name]


def test_content_disposition_goes_before_the_url() -> None:
    head = ('attachment; filename="report.pdf"', "application/pdf")
    assert claimed(ROOT + "download?id=1", heads={0: head}) == ["report.pdf"]


def test_a_name_from_content_disposition_is_made_safe_and_has_no_folder() -> None:
    head = ("attachment; filename*=UTF-8''..%2F%E2%80%AEnul%3A.tx%00t", None)
    assert claimed(ROOT + "x", heads={0: head}) == ["nul_.tx_t"]


def test_a_name_from_content_disposition_without_extension_gets_one() -> None:
    assert claimed(
        ROOT + "x.php", heads={0: ("attachment; filename=report", "application/pdf")}
    ) == ["report.pdf"]


def test_a_content_disposition_without_a_name_leaves_the_urls() -> None:
    assert claimed(ROOT + "a.txt", heads={0: ("attachment", None)}) == ["a.txt"]


def test_the_callers_name_goes_before_all_and_stays_as_it_is() -> None:
    head = ('attachment; filename="other.pdf"', "application/pdf")
    assert claimed((ROOT + "x.txt", "2024/may/Scan"), heads={0: head}) == ["2024/may/Scan"]


def test_the_callers_name_is_made_safe_and_stays_below_its_root() -> None:
    assert claimed((ROOT, "..\\..\\C:/a|b.txt"), (ROOT, " ")) == ["C_/a_b.txt", "file"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_equal_names_are_numbered_in_the_callers_order_whoever_comes_first(
    order: tuple[int, ...],
) -> None:
    wanted = (ROOT + "1/a.jpg", (ROOT, "A.JPG"), ROOT + "3/a.jpg")
    assert claimed(*wanted, order=list(order)) == ["a.jpg", "A (1).JPG", "a (2).jpg"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_extension_is_added_behind_the_number(order: tuple[int, ...]) -> None:
    heads: dict[int, tuple[str | None, str | None]] = dict.fromkeys(range(3), (None, "image/png"))
    assert claimed(ROOT + "p/1", ROOT + "q/1", ROOT + "r/1", heads=heads, order=list(order)) == [
        "1.png",
        "1 (1).png",
        "1 (2).png",
    ]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_name_planned_for_one_is_given_to_no_other(order: list[int]) -> None:
    heads: dict[int, tuple[str | None, str | None]] = {
        0: ("attachment; filename=b.txt", None),
        1: ("attachment; filename=c.txt", None),
    }
    assert claimed(ROOT + "a.txt", ROOT + "b.txt", heads=heads, order=order) == [
        "b (1).txt",
        "c.txt",
    ]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_an_extension_does_not_take_a_planned_name(order: list[int]) -> None:
    heads: dict[int, tuple[str | None, str | None]] = {0: (None, "application/pdf")}
    assert claimed(ROOT + "report", ROOT + "report.pdf", heads=heads, order=order) == [
        "report (1).pdf",
        "report.pdf",
    ]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_content_disposition_that_says_what_the_url_says_keeps_the_callers_order(
    order: list[int],
) -> None:
    head = ('attachment; filename="a.pdf"', "application/pdf")
    urls = (ROOT + "1/a.pdf", ROOT + "2/a.pdf")
    assert claimed(*urls, heads={0: head, 1: head}, order=order) == ["a.pdf", "a (1).pdf"]


def test_equal_names_from_content_disposition_are_numbered_as_they_come() -> None:
    head = ('attachment; filename="a.pdf"', None)
    heads: dict[int, tuple[str | None, str | None]] = dict.fromkeys(range(3), head)
    urls = [ROOT + f"get?id={i}" for i in range(3)]
    assert claimed(*urls, heads=heads, order=[2, 0, 1]) == ["a (1).pdf", "a (2).pdf", "a.pdf"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_extension_that_is_in_the_way_does_not_take_anothers_number(
    order: tuple[int, ...],
) -> None:
    pdf = (None, "application/pdf")
    urls = (ROOT + "a/report", ROOT + "report.pdf", ROOT + "b/report")
    assert claimed(*urls, heads={0: pdf, 2: pdf}, order=list(order)) == [
        "report (2).pdf",
        "report.pdf",
        "report (1).pdf",
    ]


@pytest.mark.parametrize(
    ("one", "other", "numbered"),
    [
        ("caf%C3%A9.txt", "cafe%CC%81.txt", "café (1).txt"),
        ("STRASSE", "stra%C3%9Fe", "straße (1)"),
        ("a.txt", "A.TXT", "A (1).TXT"),
        ("a.txt", "a.txt%20.", "a (1).txt"),
    ],
)
def test_names_that_are_one_file_on_some_system_are_told_apart(
    one: str, other: str, numbered: str
) -> None:
    assert claimed(ROOT + one, ROOT + other)[1] == numbered


def test_a_number_that_is_taken_is_passed_over() -> None:
    assert claimed(ROOT + "a.txt", ROOT + "a%20(1).txt", ROOT + "x/a.txt") == [
        "a.txt",
        "a (1).txt",
        "a (2).txt",
    ]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([(ROOT, "a"), (ROOT, "a/b")], ["a (1)", "a/b"]),
        ([(ROOT, "a/b"), (ROOT, "A")], ["a/b", "A (1)"]),
        ([(ROOT, "a/b/c"), (ROOT + "a", None), (ROOT, "a/B")], ["a/b/c", "a (1)", "a/B (1)"]),
        ([(ROOT, "a/b"), (ROOT, "a (1)/b"), (ROOT, "a")], ["a/b", "a (1)/b", "a (2)"]),
    ],
)
def test_no_file_is_beside_a_folder_of_its_name(
    wanted: list[tuple[str, str | None]], names: list[str]
) -> None:
    assert claimed(*wanted) == names


def test_an_extension_does_not_make_a_file_of_a_folders_name() -> None:
    heads: dict[int, tuple[str | None, str | None]] = {1: (None, "image/png")}
    assert claimed((ROOT, "a.png/b"), ROOT + "a", heads=heads) == ["a.png/b", "a (1).png"]


def test_a_second_claim_gives_the_same_name() -> None:
    names = EntryNames([(ROOT + "a", None)])
    first = names.claim(0, content_disposition=None, content_type="image/png")
    second = names.claim(0, content_disposition="attachment; filename=b", content_type=None)
    assert first == second == "a.png"


def test_a_number_goes_behind_a_whole_host() -> None:
    html: dict[int, tuple[str | None, str | None]] = {0: (None, "text/html")}
    assert claimed(ROOT, ROOT + "example.org.html", heads=html) == [
        "example.org (1).html",
        "example.org.html",
    ]


def test_a_released_name_is_free_again() -> None:
    names = EntryNames([(ROOT + "a.txt", None), (ROOT + "b.txt", None)])
    assert names.claim(0, content_disposition=None, content_type=None) == "a.txt"
    names.release(0)
    disposition = "attachment; filename=a.txt"
    assert names.claim(1, content_disposition=disposition, content_type=None) == "a.txt"
    assert names.claim(0, content_disposition=None, content_type=None) == "a (1).txt"


def test_a_release_without_a_claim_frees_the_planned_name() -> None:
    names = EntryNames([(ROOT + "a.txt", None), (ROOT + "b.txt", None)])
    names.release(0)
    disposition = "attachment; filename=a.txt"
    assert names.claim(1, content_disposition=disposition, content_type=None) == "a.txt"


def test_a_restored_name_is_kept_and_given_to_no_other() -> None:
    wanted: list[tuple[str, str | None]] = [(ROOT + "x", None), (ROOT + "a.pdf", None)]
    names = EntryNames(wanted)
    names.restore(0, "a.pdf")
    assert names.claim(1, content_disposition=None, content_type=None) == "a (1).pdf"
    assert names.claim(0, content_disposition=None, content_type=None) == "a.pdf"


def test_a_name_planned_for_one_and_restored_for_another_stays_the_others() -> None:
    names = EntryNames([(ROOT + "x", None), (ROOT + "a.pdf", None), (ROOT + "c.pdf", None)])
    names.restore(0, "a.pdf")
    names.restore(2, "c.pdf")
    assert names.claim(1, content_disposition=None, content_type=None) == "a (1).pdf"


def test_a_name_whose_number_is_gone_gets_the_next_one() -> None:
    names = EntryNames([(ROOT + tail, None) for tail in ("a/photo", "b/photo", "x")])
    names.restore(2, "photo (1)")
    assert names.claim(1, content_disposition=None, content_type=None) == "photo (2)"


def test_numbers_go_on_from_the_last_one_given_though_one_was_released() -> None:
    names = EntryNames([(ROOT + f"get?id={i}", None) for i in range(3)])
    disposition = "attachment; filename=a.pdf"
    given = [
        names.claim(position, content_disposition=disposition, content_type=None)
        for position in (0, 1)
    ]
    names.release(1)
    given.append(names.claim(2, content_disposition=disposition, content_type=None))
    assert given == ["a.pdf", "a (1).pdf", "a (2).pdf"]


def test_no_file_is_beside_a_folder_of_an_entry_that_is_restored() -> None:
    names = EntryNames([(ROOT + "x", None), (ROOT + "a.pdf", None), (ROOT + "y", None)])
    names.restore(0, "a.pdf/b")
    assert names.claim(1, content_disposition=None, content_type=None) == "a (1).pdf"
    with pytest.raises(ValueError, match="folder"):
        names.restore(2, "a.pdf")


def test_two_entries_restored_under_one_name_are_refused() -> None:
    names = EntryNames([(ROOT + "x", None), (ROOT + "y", None)])
    names.restore(0, "a.pdf")
    with pytest.raises(ValueError, match="twice"):
        names.restore(1, "A.PDF")


def test_an_entry_restored_beside_its_own_folder_is_refused() -> None:
    names = EntryNames([(ROOT, "a/b"), (ROOT + "y", None)])
    with pytest.raises(ValueError, match="folder"):
        names.restore(1, "a")


segments = st.sampled_from(
    ["a", "A", "a.txt", "a.TXT", "a (1).txt", "a (1)", "b", "é", "e\u0301", "ß", "SS", "x" * 255]
) | st.text(max_size=8)
caller_names = st.lists(segments, min_size=1, max_size=3).map("/".join)
tails = ["a", "a.txt", "d/A.txt", "a%20(1).txt", "a.png", "a%20(1).png", "a%20(1)", "a%20(1)%20(1)"]
odd_tails = [
    "",
    "%C3%A9",
    "e%CC%81",
    "b?x",
    "%2e%2e",
    "x" * 300,
    "x" * 251 + ".png",
    "x" * 250 + "y",
]
urls = st.sampled_from([*tails, *odd_tails]).map(ROOT.__add__)
wanted_lists = st.lists(st.tuples(urls, st.none() | caller_names), min_size=1, max_size=8)
dispositions = st.none() | segments.map(lambda name: f'attachment; filename="{name}"')
content_types = st.sampled_from([None, "text/plain", "image/png", "application/octet-stream"])


def assert_one_file_each(names: list[str]) -> None:
    keys = [clash_key(name) for name in names]
    assert len(set(keys)) == len(keys)
    folders = {key[:at] for key in keys for at in range(len(key)) if key[at] == "/"}
    assert not folders & set(keys)


@given(wanted_lists, st.data())
def test_whatever_is_asked_for_and_sent_no_two_names_are_one_file(
    wanted: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    names = EntryNames(wanted)
    found: dict[int, str] = {}
    for position in data.draw(st.permutations(range(len(wanted)))):
        found[position] = names.claim(
            position,
            content_disposition=data.draw(dispositions),
            content_type=data.draw(content_types),
        )
        if data.draw(st.integers(0, 5)) == 0:
            names.release(position)
            del found[position]
    assert_one_file_each(list(found.values()))
    for name in found.values():
        assert safe_name(name, folders=True) == name


@given(wanted_lists, st.data())
def test_without_content_disposition_names_do_not_depend_on_the_order_of_arrival(
    wanted: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    heads: dict[int, tuple[str | None, str | None]] = dict.fromkeys(
        range(len(wanted)), (None, data.draw(st.sampled_from([None, "image/png"])))
    )
    order = data.draw(st.permutations(range(len(wanted))))
    assert claimed(*wanted, heads=heads, order=list(order)) == claimed(*wanted, heads=heads)


@given(wanted_lists, st.data())
def test_a_job_resumed_anywhere_ends_with_the_names_it_would_have_had(
    wanted: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    heads = {
        position: (data.draw(dispositions), data.draw(content_types))
        for position in range(len(wanted))
    }
    order = data.draw(st.permutations(range(len(wanted))))
    through = claimed(*wanted, heads=heads, order=list(order))
    cut = data.draw(st.integers(0, len(order)))
    names = EntryNames(wanted)
    for position in order[:cut]:
        names.restore(position, through[position])
    for position in order[cut:]:
        disposition, content_type = heads[position]
        name = names.claim(position, content_disposition=disposition, content_type=content_type)
        assert name == through[position]
