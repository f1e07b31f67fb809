"""API keys: their form, the operator's list of them, and which client a key belongs to.

Holds only the SHA-256 of a key. A plain digest is enough for a key that `new_key` made: 256 random
bits cannot be guessed at any speed. Leaves the header to `auth.py`. Pure and quick to import,
because the settings use it.

A key is a `b64token` (RFC 6750 2.1). A list entry is `name:key`, or `name:sha256:<64 hex digits>`
to keep the key itself out of the environment.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9._~+/-]{1,512}=*")
_HASHED = re.compile(r"sha256:([0-9a-fA-F]{64})")
_SEPARATORS = re.compile(r"[,\s]+")
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
# 128 bits in base64.
_SURE_LENGTH = 22
# Secret scanners know a key by what it begins with.
_PREFIX = "packmule_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A client's name and the SHA-256 of its key. A client may have several keys under one name.

    `is_short`: it was given in the clear, and is too short for 128 bits. `is_hashed`: it was not.
    `is_exposed`: it was given in the clear, in a file that other users can read.
    """

    name: str
    digest: bytes = field(repr=False)
    is_short: bool = field(default=False, compare=False)
    is_hashed: bool = field(default=False, compare=False, repr=False)
    is_exposed: bool = field(default=False, compare=False, repr=False)


class Keyring:
    """All API keys; without any, no key is required."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def owner(self, shown: str) -> str | None:
        """Return the name of the client with this key, or None.

        Compares digests only, and every key: the time taken reveals neither how much of a key was
        right nor which key it was.
        """
        digest = _digest(shown)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key.name
        return found


def is_key(text: str) -> bool:
    """Return whether the text has the form of a key."""
    return _KEY.fullmatch(text) is not None


def new_key() -> str:
    """Return a new key of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def entry(name: str, key: str) -> str:
    """Return the list entry for a key, hashed. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(_BAD_NAME)
    return f"{name}:sha256:{_digest(key).hex()}"


_BAD_NAME = "a client's name is 1 to 64 letters, digits, dots, dashes and underscores"


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """Parse `PACKMULE_API_KEYS`: entries separated by commas or spaces.

    Raises ValueError; the message contains nothing of the text, which is secret.
    """
    if not text:
        return ()
    entries = [each for each in _SEPARATORS.split(text) if each]
    if not entries:
        raise ValueError("there is no key in it; unset it where everybody may ask")
    return distinct([_parse(number, each) for number, each in enumerate(entries, 1)])


def read_keys(text: str) -> tuple[ApiKey, ...]:
    """Read a file of keys: one entry per line; lines starting with # are comments.

    Raises ValueError with a message for the operator.
    """
    if not text:
        return ()
    try:
        content = Path(text).read_text(encoding="utf-8")
        is_exposed = bool(Path(text).stat().st_mode & 0o077)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ValueError(f"the file {text!r} cannot be read: {reason}") from error
    # An empty file must not open the service to everybody.
    keys = parse_keys(_COMMENT.sub("", content) or "\n")
    return tuple(replace(key, is_exposed=is_exposed and not key.is_hashed) for key in keys)


def distinct(keys: Iterable[ApiKey]) -> tuple[ApiKey, ...]:
    """Return the keys without duplicates. Raises ValueError if two clients share one."""
    owners: dict[bytes, ApiKey] = {}
    for key in keys:
        if owners.setdefault(key.digest, key).name != key.name:
            raise ValueError("two clients have the same key; give each its own")
    return tuple(owners.values())


def _parse(number: int, text: str) -> ApiKey:
    name, colon, key = text.partition(":")
    if not colon or not _NAME.fullmatch(name):
        raise ValueError(f"entry {number} is not of the form name:key; {_BAD_NAME}")
    hashed = _HASHED.fullmatch(key)
    if hashed is not None:
        return ApiKey(name, bytes.fromhex(hashed[1]), is_hashed=True)
    if not is_key(key):
        raise ValueError(
            f"the key of entry {number} is none: write letters, digits and -._~+/, or sha256: and "
            "64 hex digits; `packmule keys new NAME` makes one"
        )
    return ApiKey(name, _digest(key), is_short=len(key) < _SURE_LENGTH)


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
