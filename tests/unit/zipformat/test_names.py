"""Entry names that every reader extracts at the same safe place."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from packmule.zipformat.names import (
    DEFAULT_NAME,
    MAX_FOLDERS_BYTES,
    MAX_PART_BYTES,
    clash_key,
    safe_name,
    shortened,
    split_extension,
    with_extension,
    with_suffix,
)

DEVICES = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"] + [
    f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"
]
NASTY = (
    './\\:*?"<>| \t\n\x00\x7f\x85\u200b\u202e\u2066\ufeff\ud800\udfff\ufffd%~-_$é\u0301\u0338한🏽'
)

anything = st.text(st.characters(exclude_categories=()), max_size=400)
nasty = st.text(st.sampled_from(NASTY + "aconul1.tarI\u0131\u017fßς"), max_size=400)
devices = st.builds(
    "{}{}{}".format,
    st.sampled_from(DEVICES + [device.lower() for device in DEVICES]),
    st.sampled_from(["", ".", ".txt", " .txt", ".tar.gz", "\u200b", " ", "..", ":", "/x"]),
    nasty,
)
SPACES = " \u00a0\u2003\u3000"
# What is a device's name only once it has been cut.
long_devices = st.builds(
    lambda device, space, count, last, tail: f"{device}{space * count}{last}{tail}",
    st.sampled_from(DEVICES),
    st.sampled_from([*SPACES, "a" + "\u0323", "\u0323", "."]),
    st.integers(180, 300),
    st.sampled_from(["", "x"]),
    st.sampled_from(["", ".txt", ".tar.gz", "/x"]),
)
strings = st.one_of(anything, nasty, devices, long_devices)
safe_names = st.builds(
    lambda name, folders: safe_name(name, folders=folders), strings, st.booleans()
)


def assert_safe_part(part: str) -> None:
    assert part == unicodedata.normalize("NFC", part)
    assert 0 < len(part.encode()) <= MAX_PART_BYTES  # strict UTF-8: no lone surrogate either
    assert not re.search(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]', part)
    assert not re.search("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffd]", part)
    assert not {unicodedata.category(c) for c in part} & {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    assert part == part.strip()
    assert part[-1] not in ". "
    assert part.partition(".")[0].rstrip(SPACES).upper() not in DEVICES


@given(strings)
@example("..")
@example("\u202e")
@example("a" * 254 + "é")
@example("." * 300 + "jpg")
@example("con" + " " * 300 + ".txt")
@example("CON" + " " * 300 + "x.txt")
@example("nul" + "\u00a0" * 300 + "x")
@example("AUXe" + "\u0323" * 300)
def test_any_string_becomes_a_safe_part(name: str) -> None:
    assert_safe_part(safe_name(name, folders=False))


@given(strings)
@example("/" * 300)
@example("../" * 300 + "x")
def test_any_string_becomes_a_path_of_safe_parts(name: str) -> None:
    safe = safe_name(name, folders=True)
    for part in safe.split("/"):
        assert_safe_part(part)
    assert len(safe.encode()) <= MAX_FOLDERS_BYTES + MAX_PART_BYTES


@given(strings, st.booleans())
@example("CON" + " " * 300 + "x.txt", True)
def test_a_safe_name_stays_as_it_is(name: str, folders: bool) -> None:  # noqa: FBT001
    safe = safe_name(name, folders=folders)
    assert safe_name(safe, folders=folders) == safe
    assert safe_name(safe, folders=True) == safe


@given(safe_names, st.integers(1, 10**7))
@example("prn" + " " * 251 + "x", 1)
def test_a_numbered_name_is_safe_and_in_the_same_folder(name: str, number: int) -> None:
    numbered = with_suffix(name, number)
    assert safe_name(numbered, folders=True) == numbered
    assert numbered.rpartition("/")[0] == name.rpartition("/")[0]
    assert f" ({number})" in numbered
    assert split_extension(numbered)[1] == split_extension(name)[1]


@given(safe_names, st.integers(60, 255))
@example("aux" + "\u00a0" * 120 + "x", 200)
@example("COM1" + " " * 250 + "x", 200)
def test_a_shortened_name_is_safe_and_short(name: str, limit: int) -> None:
    short = shortened(name, limit)
    assert safe_name(short, folders=True) == short
    if "/" not in name:
        assert len(short.encode()) <= limit
        assert_safe_part(short)


@given(safe_names, st.sampled_from([".jpg", ".html", ".webmanifest"]))
@example("lpt1" + " " * 250 + "x", ".jpg")
def test_a_name_given_an_extension_is_safe_and_ends_in_it(name: str, extension: str) -> None:
    extended = with_extension(name, extension)
    assert safe_name(extended, folders=True) == extended
    assert extended.endswith(extension)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("photo.jpg", "photo.jpg"),
        (".htaccess", ".htaccess"),
        ("Übersicht 2024 (final).pdf", "Übersicht 2024 (final).pdf"),
        ("日本語.txt", "日本語.txt"),
        ("a/b\\c.txt", "a_b_c.txt"),
        ('what?: "it" <is> *|*', "what__ _it_ _is_ ___"),
        ("line\r\nbreak\x00.txt", "line__break_.txt"),
        ("next\x85line", "next_line"),
        ("a\u2028b\u2029c", "a_b_c"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("zero\u200bwidth\ufeff\u2060.txt", "zerowidth.txt"),
        ("lone\ud83d.txt", "lone_.txt"),
        ("bad\ufffdutf8", "bad_utf8"),
        ("private\uf03aname", "private_name"),
        ("never\ufdd0assigned\U0001ffff", "never_assigned_"),
        ("trailing. . ", "trailing"),
        ("  leading", "leading"),
        ("\u3000\u00a0spaces\u2003", "spaces"),
        ("cafe\u0301", "café"),
        ("\u212b\u1100\u1161\u11a8", "Å각"),
        ("<\u0338", "≮"),  # one character, and no `<`
        ("CO\u200bN", "_CON"),
        ("e\u200d\u0301", "é"),
        (".", DEFAULT_NAME),
        ("..", DEFAULT_NAME),
        ("... ...", DEFAULT_NAME),
        ("", DEFAULT_NAME),
        ("\u200b\ufeff", DEFAULT_NAME),
    ],
)
def test_a_part_made_safe_reads_so(name: str, safe: str) -> None:
    assert safe_name(name, folders=False) == safe


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("tail", ["", ".txt", ".tar.gz", " .txt"])
def test_no_device_is_named(device: str, tail: str) -> None:
    assert safe_name(device + tail, folders=False) == f"_{device}{tail}"
    assert safe_name(device.lower() + tail, folders=False) == f"_{device.lower()}{tail}"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("CON" + " " * 300 + "x.txt", "_CON.txt"),
        ("con" + "\u00a0" * 200 + "x", "_con"),
        ("CON\u00a0.txt", "_CON\u00a0.txt"),
        ("NULe" + "\u0323" * 300, "_NUL"),
    ],
)
def test_no_device_is_named_by_cutting(name: str, safe: str) -> None:
    assert safe_name(name, folders=False) == safe


@pytest.mark.parametrize("name", ["console.log", "com10", "nullable", "aux-1", "lpt", "a.con"])
def test_what_only_begins_like_a_device_stays(name: str) -> None:
    assert safe_name(name, folders=False) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("2024/may/a.png", "2024/may/a.png"),
        ("2024\\may\\a.png", "2024/may/a.png"),
        ("/etc/passwd", "etc/passwd"),
        ("../../etc/passwd", "etc/passwd"),
        ("a/../../b", "a/b"),
        ("a/./b//c/", "a/b/c"),
        ("a/.. /b", "a/b"),
        ("C:\\Windows\\win.ini", "C_/Windows/win.ini"),
        ("\\\\server\\share\\x", "server/share/x"),
        ("\\\\?\\C:\\x", "_/C_/x"),
        ("a./b", "a/b"),
        ("aux/nul.txt", "_aux/_nul.txt"),
        ("/", DEFAULT_NAME),
        ("../..", DEFAULT_NAME),
    ],
)
def test_a_path_stays_below_its_own_root(name: str, safe: str) -> None:
    assert safe_name(name, folders=True) == safe


def test_a_long_name_loses_of_its_stem_and_keeps_its_extension() -> None:
    assert safe_name("x" * 300 + ".jpeg", folders=False) == "x" * 250 + ".jpeg"
    assert safe_name("x" * 300 + ".tar.gz", folders=False) == "x" * 248 + ".tar.gz"
    assert safe_name("x" * 300, folders=False) == "x" * 255


def test_a_long_name_is_not_cut_within_a_character() -> None:
    assert safe_name("語" * 100, folders=False) == "語" * 85
    assert safe_name("x" + "🚀" * 80 + ".png", folders=False) == "x" + "🚀" * 62 + ".png"


def test_a_long_name_is_not_cut_between_a_character_and_its_marks() -> None:
    bearing = "x" * 252 + "q\u0323\u0300"
    assert len(bearing.encode()) == 257
    assert safe_name(bearing, folders=False) == "x" * 252
    assert safe_name("x" * 251 + "👋🏽", folders=False) == "x" * 251


def test_a_character_with_hundreds_of_marks_is_cut_all_the_same() -> None:
    assert safe_name("q" + "\u0323" * 300, folders=False) == "q" + "\u0323" * 127


def test_an_endless_run_of_marks_is_cut_before_it_is_composed() -> None:
    # Composing all of it would take half an hour: the test's time limit notices.
    marks = "\u0315\u0300" * 250_000
    name = safe_name(f"  q{marks}.tar.gz . ", folders=False)
    assert name.startswith("q\u0300")
    assert name.endswith(".tar.gz")
    assert safe_name(f"{' ' * 9_000}\u00e9.png{'. ' * 9_000}", folders=False) == "\u00e9.png"


@pytest.mark.parametrize(
    "character", ["\u1112\u1161\u11ab", "a\u0323\u0302", "\u03b1\u0314\u0300\u0345"]
)
def test_a_long_decomposed_name_keeps_as_much_as_a_composed_one(character: str) -> None:
    composed = unicodedata.normalize("NFC", character)
    assert len(composed) == 1
    names = {safe_name(each * 400 + ".jpeg", folders=False) for each in (character, composed)}
    assert len(names) == 1


def test_a_long_name_is_not_cut_to_end_in_a_dot_or_space() -> None:
    assert safe_name("x" * 253 + " .y z", folders=False) == "x" * 253


def test_folders_too_deep_are_left_out_from_the_innermost() -> None:
    assert safe_name("d" * 99 + "/" + ("e" * 199 + "/") * 5 + "f.txt", folders=True) == (
        "d" * 99 + "/" + ("e" * 199 + "/") * 2 + "f.txt"
    )


@pytest.mark.parametrize("last", [199, 200, 201])
def test_folders_are_kept_up_to_640_bytes_with_their_slashes(last: int) -> None:
    kept = "d" * 219 + "/" + "e" * 219 + "/"  # 440 bytes, so the next may have 199 and its slash
    path = kept + "f" * last + "/x"
    assert safe_name(path, folders=True) == (path if last == 199 else kept + "x")


def test_short_folders_count_with_their_slashes() -> None:
    assert safe_name("d/" * 320 + "x", folders=True) == "d/" * 320 + "x"
    assert safe_name("d/" * 321 + "x", folders=True) == "d/" * 320 + "x"


def test_a_folder_counts_as_long_as_it_was_cut_to_and_the_file_does_not_count() -> None:
    asked, kept = "d" * 300 + "/" + "é" * 300 + "/", "d" * 255 + "/" + "é" * 127 + "/"
    fits, does_not = "e" * 128 + "/", "e" * 129 + "/"  # 256 + 255 + 129 = 640
    assert safe_name(asked + fits + "x" * 255, folders=True) == kept + fits + "x" * 255
    assert safe_name(asked + does_not + "x" * 255, folders=True) == kept + "x" * 255


def test_behind_a_folder_that_is_left_out_no_other_is_kept() -> None:
    deep = "d" * 255 + "/" + "e" * 255 + "/" + "f" * 200 + "/" + "g/x"
    assert safe_name(deep, folders=True) == "d" * 255 + "/" + "e" * 255 + "/x"


@pytest.mark.parametrize("length", [255, 256])
def test_a_plain_name_over_255_characters_is_cut_in_a_path_too(length: int) -> None:
    assert safe_name("a/" + "x" * length, folders=True) == "a/" + "x" * min(length, 255)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Photo.JPG", "photo.jpg"),
        ("café", "cafe\u0301"),
        ("ÅNGSTRÖM", "a\u030angstro\u0308m"),
        ("straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u1fb3", "\u03b1\u0345"),
        ("ﬁle", "FILE"),
        ("kelvin", "\u212aelvin"),
        ("\u0131x", "IX"),
        ("Ab/Cd", "aB/cD"),
    ],
)
def test_names_that_windows_or_macos_take_for_one_clash(one: str, other: str) -> None:
    assert clash_key(one) == clash_key(other)


@pytest.mark.parametrize(("one", "other"), [("a", "b"), ("é", "e"), ("ä", "æ"), ("a b", "ab")])
def test_names_that_differ_do_not_clash(one: str, other: str) -> None:
    assert clash_key(one) != clash_key(other)


@given(safe_names)
def test_a_name_clashes_with_each_of_its_forms(name: str) -> None:
    key = clash_key(name)
    assert unicodedata.is_normalized("NFC", key)
    for form in (
        *(name.upper(), name.lower(), name.casefold(), key),
        *(unicodedata.normalize(kind, name) for kind in ("NFC", "NFD")),
        unicodedata.normalize("NFD", name.upper()),
    ):
        assert clash_key(form) == key


@pytest.mark.parametrize(
    ("name", "numbered"),
    [
        ("photo.jpg", "photo (1).jpg"),
        ("archive.tar.gz", "archive (1).tar.gz"),
        ("Archive.TAR.bz2", "Archive (1).TAR.bz2"),
        ("a/b.c/photo", "a/b.c/photo (1)"),
        (".profile", ".profile (1)"),
        ("a/.profile", "a/.profile (1)"),
        ("Smith vs. Jones", "Smith vs. Jones (1)"),
        ("x." + "y" * 17, "x." + "y" * 17 + " (1)"),
        ("d/" + "x" * 251 + ".jpg", "d/" + "x" * 247 + " (1).jpg"),
        ("語" * 85, "語" * 83 + " (1)"),
    ],
)
def test_the_number_stands_before_the_extension(name: str, numbered: str) -> None:
    assert with_suffix(name, 1) == numbered


def test_the_number_may_stand_at_the_very_end() -> None:
    assert with_suffix("www.example.org", 2, extension=False) == "www.example.org (2)"


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.txt", ".txt"),
        ("a.tar.gz", ".tar.gz"),
        ("a.tar", ".tar"),
        (".tar.gz", ".gz"),
        ("a.b/c", ""),
        ("a", ""),
        ("..a", ""),
        ("a.", ""),
        ("a.документ", ".документ"),
    ],
)
def test_an_extension_is_letters_behind_the_last_dot(name: str, extension: str) -> None:
    assert split_extension(name) == (name.removesuffix(extension), extension)


def test_a_name_is_shortened_to_a_limit_within_its_folder() -> None:
    assert shortened("d/" + "x" * 200, 199) == "d/" + "x" * 199
    assert shortened("é" * 101, 201) == "é" * 100
    assert shortened("short", 5) == "short"


def test_the_longest_extension_is_kept_whole() -> None:
    extension = ".tar." + "a" * 16
    assert split_extension(f"name{extension}") == ("name", extension)


def test_only_what_is_a_mark_is_kept_with_what_stands_before_it() -> None:
    # The last character in front of those of skin tones, and the first behind them.
    for neighbour in ("\N{AMPHORA}", "\N{RAT}"):
        assert safe_name("ab" + neighbour * 100, folders=False) == "ab" + neighbour * 63


@pytest.mark.parametrize("tone", ["\U0001f3fb", "\U0001f3ff"])
def test_a_cut_does_not_part_a_character_from_its_skin_tone(tone: str) -> None:
    # 252 bytes, then a character of 3 bytes and its tone: only the tone is over.
    assert safe_name("x" * 252 + "\u261d" + tone, folders=False) == "x" * 252


def test_a_name_of_nothing_but_marks_is_cut_all_the_same() -> None:
    assert safe_name("\u0323" * 300, folders=False) == "\u0323" * 127


def test_a_name_that_is_cut_to_dots_alone_is_an_underscore() -> None:
    assert safe_name("." * 300 + " x", folders=False) == "_"


def test_a_name_that_just_fits_with_its_number_stays_whole() -> None:
    stem = "x" * 246 + " "
    assert with_suffix(f"{stem}.txt", 1) == f"{stem} (1).txt"
    assert with_suffix(f"{stem}.txt", 10) == f"{'x' * 246} (10).txt"
