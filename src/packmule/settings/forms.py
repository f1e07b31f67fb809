"""The forms that a setting's value may have: text in, a value out.

Owns reading each form; every reader raises ValueError with a sentence for people. Leaves which
setting has which form to the table. The law: docs/settings.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

from packmule.outbound import urls

if TYPE_CHECKING:
    from collections.abc import Callable

_LAST_PORT = 65535
T = TypeVar("T")

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kmgtp]i?b|b)?", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(s|min|m|h|d|w)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def size(text: str) -> int:
    """Read an amount of bytes: `1048576`, `50 GB` (powers of 1000) or `1 GiB` (of 1024)."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no size: write it like 500 MB, 1 GiB or 1048576")
    unit = (found[2] or "b").lower()
    step = 1024 if "i" in unit else 1000
    factor: int = step ** "bkmgtp".index(unit[0])
    return round(float(found[1]) * factor)


def duration(text: str) -> float:
    """Read a time in seconds: `86400`, `30 s`, `5 min`, `2 h`, `7 d` or `1 w`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration: write it like 30 s, 5 min, 2 h or 7 d")
    return float(found[1]) * _SECONDS[(found[2] or "s").lower()]


def more_than_zero(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Refuse nothing and less than nothing in a form of numbers."""

    def read(text: str) -> T:
        value = parse(text)
        if not cast("float", value) > 0:
            raise ValueError(f"{text!r} must be more than 0")
        return value

    return read


def between(least: int, most: int, parse: Callable[[str], int]) -> Callable[[str], int]:
    """Keep a form of numbers within two bounds, both allowed."""

    def read(text: str) -> int:
        value = parse(text)
        if not least <= value <= most:
            raise ValueError(f"{text!r} must be from {least} to {most}")
        return value

    return read


def count(text: str) -> int:
    """Read a whole number above 0."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ValueError(f"{text!r} is no whole number above 0")
    return int(text)


def or_off(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Let a form also be `off`, which is None."""

    def read(text: str) -> T | None:
        if text.lower() == "off":
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise ValueError(f"{error}, or off") from error

    return read


def port(text: str) -> int:
    """Read a TCP port."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > _LAST_PORT:
        raise ValueError(f"{text!r} is no port: write a number from 1 to {_LAST_PORT}")
    return int(text)


def host(text: str) -> str:
    """Read an address to listen on."""
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", text):
        raise ValueError(f"{text!r} is no host: write an address of this machine, like 127.0.0.1")
    return text


def public_url(text: str) -> str:
    """Read what links may begin with."""
    try:
        url = urlsplit(text)
        good = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or url.username or url.query or url.fragment or re.search(r"\s", text):
        raise ValueError(
            f"{text!r} is no address that links can begin with: write it like "
            "https://packmule.example.org, without ? and #"
        )
    return text.rstrip("/")


def token(text: str) -> str:
    """Read a bearer token (RFC 6750 2.1), of which a guesser would find no end; or nothing."""
    # Never repeat the value.
    if text and not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", text):
        raise ValueError("a token is at least 16 letters, digits or -._~+/")
    return text


def webhook_url(text: str) -> str | None:
    """Read the URL of a webhook; nothing is None."""
    if not text:
        return None
    # Never repeat the value: it may hold a password.
    try:
        return urls.parse(text).text
    except urls.UrlInvalid as error:
        raise ValueError(error.detail) from error


def file(text: str) -> Path | None:
    """Read the path of a file that is there; nothing is None."""
    if not text:
        return None
    path = Path(text).absolute()
    if not path.is_file():
        raise ValueError(f"there is no file {text!r}")
    return path


def database_url(text: str) -> str:
    """Read the URL of a database that can be used; nothing stays nothing."""
    # Never repeat the value: it may hold a password.
    if text.startswith("postgres://"):
        text = text.replace("postgres://", "postgresql://", 1)
    if text and not text.startswith(("sqlite:///", "postgresql://")):
        raise ValueError(
            "only SQLite and PostgreSQL can be used: write sqlite:///path/to/packmule.db or "
            "postgresql://user:password@host/name"
        )
    return text


def storage_url(text: str) -> str:
    """Read the address of a bucket, with a prefix or without; nothing stays nothing."""
    if text and not re.fullmatch(
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?", text
    ):
        raise ValueError(f"{text!r} is no bucket's address: write it like s3://bucket/prefix")
    return text.rstrip("/")


def encryption(text: str) -> str:
    """Read how a bucket is to encrypt what it keeps; nothing stays nothing."""
    if text and not re.fullmatch(r"AES256|aws:kms(:[A-Za-z0-9:/_-]+)?", text):
        raise ValueError(f"{text!r} is none of AES256, aws:kms, aws:kms:KEY")
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """Make the reader of one of these words."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return text.lower()

    return read
