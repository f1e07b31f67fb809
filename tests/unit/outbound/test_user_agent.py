"""The User-Agent: what is sent, and what an operator may write."""

from __future__ import annotations

import tomllib

import pytest
from tests.house.tree import ROOT

from packmule import __version__
from packmule.outbound.user_agent import DEFAULT, parse_contact, parse_user_agent, user_agent


def test_the_version_is_sent_and_the_contact_is_a_comment() -> None:
    assert user_agent(DEFAULT, "") == f"Packmule/{__version__}"
    assert user_agent(DEFAULT, "ops@example.org") == f"Packmule/{__version__} (ops@example.org)"


def test_the_project_s_address_is_sent_once_it_has_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    homepage = project.get("urls", {}).get("Homepage")
    address = f" (+{homepage})" if homepage else ""
    assert f"Packmule/{__version__}{address}" == DEFAULT


def test_the_operators_words_are_kept() -> None:
    product = "MyArchiver/1.0 (+https://example.org/bot)"
    assert parse_user_agent(product) == product
    contact = "https://example.org/~ops?a=[1], ops@example.org"
    assert parse_contact(contact) == contact


@pytest.mark.parametrize("text", ["a\r\nCookie: b", "a\0", "a\x7f", "ä", "a\tb", "x" * 201])
def test_what_could_add_a_field_or_is_not_ascii_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        parse_user_agent(text)
    with pytest.raises(ValueError, match="printable ASCII"):
        parse_contact(text)


@pytest.mark.parametrize("text", ["a) b", "(a", "a\\"])
def test_a_contact_cannot_end_its_comment(text: str) -> None:
    with pytest.raises(ValueError, match="without parentheses"):
        parse_contact(text)
