"""Share links, rewritten to the links that send the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.outbound.share_links import RULES, parse_rules, rewrite, rewritten
from packmule.outbound.urls import parse

DRIVE = "https://drive.usercontent.google.com/download?id=1AbCdEfGhIjK&export=download&confirm=t"

TABLE = {
    "dropbox": {
        "https://www.dropbox.com/s/abc/a.pdf": "https://www.dropbox.com/s/abc/a.pdf?dl=1",
        "https://www.dropbox.com/s/abc/a.pdf?dl=0": "https://www.dropbox.com/s/abc/a.pdf?dl=1",
        "https://dropbox.com/scl/fi/x/a%20b.pdf?rlkey=y&dl=0&e=1": (
            "https://dropbox.com/scl/fi/x/a%20b.pdf?rlkey=y&e=1&dl=1"
        ),
    },
    "sharepoint": {
        "https://acme.sharepoint.com/:x:/g/personal/x/EaBc?e=4": (
            "https://acme.sharepoint.com/:x:/g/personal/x/EaBc?e=4&download=1"
        ),
        "https://1drv.ms/u/s!AbC": "https://1drv.ms/u/s!AbC?download=1",
    },
    "github": {
        "https://github.com/o/r/blob/main/a b.bin?plain=1#L3": (
            "https://github.com/o/r/raw/main/a b.bin"
        ),
    },
    "google-drive": {
        "https://drive.google.com/file/d/1AbCdEfGhIjK/view?usp=sharing": DRIVE,
        "https://drive.google.com/file/d/1AbCdEfGhIjK": DRIVE,
        "https://drive.google.com/open?id=1AbCdEfGhIjK": DRIVE,
        "https://drive.google.com/uc?export=download&id=1AbCdEfGhIjK": DRIVE,
        "https://drive.google.com/file/d/1AbCdEfGhIjK/view?resourcekey=0-x": DRIVE
        + "&resourcekey=0-x",
    },
    "s3": {
        "s3://bucket/a b/c+d.bin": "https://bucket.s3.amazonaws.com/a%20b/c%2Bd.bin",
        "s3://my.bucket/a": "https://s3.amazonaws.com/my.bucket/a",
    },
    "gs": {"gs://bucket/a/b.bin": "https://storage.googleapis.com/bucket/a/b.bin"},
    "wikimedia": {
        "https://commons.wikimedia.org/wiki/File:Example.jpg": (
            "https://commons.wikimedia.org/wiki/Special:Redirect/file/Example.jpg"
        ),
        "https://de.wikipedia.org/wiki/Datei:A%20b.svg#x": (
            "https://de.wikipedia.org/wiki/Special:Redirect/file/A%20b.svg"
        ),
    },
    "gitlab": {
        "https://gitlab.com/g/s/r/-/blob/main/a.bin?ref_type=heads": (
            "https://gitlab.com/g/s/r/-/raw/main/a.bin"
        ),
    },
    "hugging-face": {
        "https://huggingface.co/o/r/blob/main/m.safetensors": (
            "https://huggingface.co/o/r/resolve/main/m.safetensors"
        ),
    },
    "nextcloud": {
        "https://cloud.example.org/s/niKCpgZ4kWFefJM": (
            "https://cloud.example.org/s/niKCpgZ4kWFefJM/download"
        ),
        "https://example.org/nextcloud/index.php/s/niKCpgZ4kWFefJM/": (
            "https://example.org/nextcloud/index.php/s/niKCpgZ4kWFefJM/download"
        ),
    },
}
PAIRS = [(rule, *pair) for rule, pairs in TABLE.items() for pair in pairs.items()]


@pytest.mark.parametrize(("rule", "link", "sends"), PAIRS)
def test_a_share_link_becomes_the_link_that_sends_the_file(
    rule: str, link: str, sends: str
) -> None:
    assert rewrite(link) == (sends, rule)
    assert parse(sends).scheme == "https"


@pytest.mark.parametrize("link", [sends for _, _, sends in PAIRS])
def test_a_link_that_sends_the_file_stays_as_it_is(link: str) -> None:
    assert rewrite(link) is None


@pytest.mark.parametrize(("rule", "link", "sends"), PAIRS)
def test_each_rule_can_be_switched_off_alone(rule: str, link: str, sends: str) -> None:
    assert rewritten(link, frozenset(RULES) - {rule}) == link
    assert rewritten(link, frozenset({rule})) == sends


def test_every_rule_has_examples() -> None:
    assert list(TABLE) == list(RULES)


@pytest.mark.parametrize(
    "link",
    [
        "https://www.dropbox.com/s/abc/a.pdf?raw=1",
        "https://www.dropbox.com/login",
        "https://dropbox.com.example/s/abc/a.pdf?dl=0",
        "https://github.com/o/r/releases/download/v1/a.bin",
        "https://example.org/o/r/blob/main/a.bin",
        "https://drive.google.com/drive/folders/1AbCdEfGhIjK",
        "https://en.wikipedia.org/wiki/Example",
        "https://example.org/s/short",
        "https://example.org/s/niKCpgZ4kWFefJM?x=1",
        "s3://bucket",
        "s3://Bucket/key",
        "ftp://example.org/a",
    ],
)
def test_every_other_link_stays_byte_identical(link: str) -> None:
    assert rewritten(link) == link


@given(st.text())
def test_any_text_is_rewritten_once_or_not_at_all(text: str) -> None:
    assert rewritten(rewritten(text)) == rewritten(text)


@pytest.mark.parametrize(
    ("text", "rules"),
    [("all", RULES), ("", RULES), ("off", ()), (" GitHub , s3", ("github", "s3"))],
)
def test_the_setting_names_the_rules(text: str, rules: tuple[str, ...]) -> None:
    assert parse_rules(text) == frozenset(rules)


@pytest.mark.parametrize("text", ["gitub", "off,s3", "all,off"])
def test_a_rule_that_is_not_there_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rule; use all, off, or some of dropbox"):
        parse_rules(text)
