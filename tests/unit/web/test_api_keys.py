"""API keys: which texts are a list of them, whose a key is, and that none of them is shown."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packmule.web.api_keys import ApiKey, Keyring, entry, is_key, new_key, parse_keys, read_keys

if TYPE_CHECKING:
    from pathlib import Path

HASH = sha256(b"s3cret").hexdigest()


def test_a_list_names_the_owner_of_each_key() -> None:
    ring = Keyring(parse_keys("ann:s3cret, bob:0ther"))
    assert ring.owner("s3cret") == "ann"
    assert ring.owner("0ther") == "bob"


@pytest.mark.parametrize(
    "shown", ["", "s3cre", "s3crett", "S3CRET", "ann:s3cret", HASH, f"sha256:{HASH}", "\u00e9"]
)
def test_whatever_is_not_the_key_is_nobodys(shown: str) -> None:
    assert Keyring(parse_keys("ann:s3cret")).owner(shown) is None


def test_a_key_may_be_given_as_its_hash_and_its_hash_is_no_key() -> None:
    ring = Keyring(parse_keys(f"ann:sha256:{HASH.upper()}"))
    assert ring.owner("s3cret") == "ann"
    assert ring.owner(HASH) is None


def test_a_client_may_have_two_keys_while_it_changes_from_one_to_the_other() -> None:
    ring = Keyring(parse_keys("ann:old,ann:new"))
    assert ring.owner("old") == ring.owner("new") == "ann"


def test_every_key_is_compared_whichever_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    compare_digest = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare_digest(one, other)

    ring = Keyring(parse_keys("ann:a,bob:b,cyd:c"))
    monkeypatch.setattr(hmac, "compare_digest", compare)
    for shown in ("a", "b", "c", "nobody's", "x" * 60_000):
        compared.clear()
        ring.owner(shown)
        assert compared == [(32, 32)] * 3


def test_a_made_key_holds_256_bits_and_its_entry_lets_it_in() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    for key in made:
        assert is_key(key)
        assert len(key.removeprefix("packmule_")) == 43  # base64 of 32 bytes
    key = made.pop()
    assert Keyring(parse_keys(entry("ann", key))).owner(key) == "ann"
    assert key not in entry("ann", key)


@pytest.mark.parametrize(
    "text",
    [
        "s3cret",
        "ann:",
        ":s3cret",
        "an n:s3cret,",
        "a/b:s3cret",
        "\u00e9:s3cret",
        "ann:s\u00e9cret",
        "ann:s3cret:x",
        "ann:sha256:s3cret",
        f"ann:sha256:{HASH}0",
        "ann:===",
        "x" * 65 + ":s3cret",
        "ann:" + "s3cret" * 100,
    ],
)
def test_what_is_no_entry_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="entry 2") as refused:
        parse_keys(f"bob:b0b {text}")
    assert "s3cret" not in str(refused.value)
    assert "b0b" not in str(refused.value)


@given(st.text())
def test_whatever_stands_in_the_list_it_opens_the_service_only_where_nothing_does(
    text: str,
) -> None:
    try:
        parsed = parse_keys(text)
    except ValueError:
        return
    assert bool(parsed) is bool(text)


def test_two_clients_cannot_have_one_key() -> None:
    assert len(parse_keys(f"ann:s3cret,ann:s3cret,ann:sha256:{HASH}")) == 1
    with pytest.raises(ValueError, match="two clients have the same key"):
        parse_keys(f"ann:s3cret,bob:sha256:{HASH}")


def test_no_list_is_no_key_but_an_empty_list_is_a_mistake() -> None:
    assert parse_keys("") == ()
    with pytest.raises(ValueError, match="no key"):
        parse_keys(" , ")


def test_a_key_is_never_printed() -> None:
    [key] = parse_keys("ann:s3cret")
    assert repr(key) == "ApiKey(name='ann', is_short=True)"
    assert key == ApiKey("ann", bytes.fromhex(HASH))


def test_a_key_that_can_be_guessed_is_told_from_one_that_cannot() -> None:
    keys = parse_keys(f"a:{'x' * 21},b:{'x' * 22},c:{new_key()},d:sha256:{HASH}")
    assert [key.name for key in keys if key.is_short] == ["a"]


def test_a_file_has_an_entry_a_line_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# the web shop\nann:s3cret\n\n  # \u00fc\nbob:sha256:{'0' * 64}\n")
    assert [key.name for key in read_keys(str(path))] == ["ann", "bob"]
    assert read_keys("") == ()


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, []), (0o640, ["ann"]), (0o604, ["ann"])])
def test_keys_in_the_clear_that_other_users_can_read_are_told(
    tmp_path: Path, mode: int, exposed: list[str]
) -> None:
    path = tmp_path / "keys"
    path.write_text(f"ann:s3cret\nbob:sha256:{'0' * 64}\n")
    path.chmod(mode)
    assert [key.name for key in read_keys(str(path)) if key.is_exposed] == exposed


@pytest.mark.parametrize("content", [b"", b"\n", b"# ann:s3cret\n"])
def test_a_file_without_a_key_does_not_open_the_service(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no key"):
        read_keys(str(path))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, reason in (("none", "No such file"), (".", "Is a directory"), ("binary", "no text")):
        with pytest.raises(ValueError, match=reason):
            read_keys(str(tmp_path / name))
