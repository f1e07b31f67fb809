"""Parsers for the values of settings: text in, a value out.

Each raises ValueError with a message for people. Which setting uses which parser is in the table;
the contract is docs/settings.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

from packmule.outbound import hosts, urls

if TYPE_CHECKING:
    from collections.abc import Callable

_LAST_PORT = 65535
T = TypeVar("T")

# Nothing that needs escaping in a header or that a proxy resolves, and no // at the beginning.
_PUBLIC_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*/*")
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kmgtp]i?b|b)?", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(s|min|m|h|d|w)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def size(text: str) -> int:
    """Parse a number of bytes: `1048576`, `50 GB` (powers of 1000) or `1 GiB` (of 1024)."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a valid size; use a form like 500 MB, 1 GiB or 1048576")
    unit = (found[2] or "b").lower()
    step = 1024 if "i" in unit else 1000
    factor: int = step ** "bkmgtp".index(unit[0])
    return round(float(found[1]) * factor)


def duration(text: str) -> float:
    """Parse a duration in seconds: `86400`, `30 s`, `5 min`, `2 h`, `7 d` or `1 w`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not a valid duration; use a form like 30 s, 5 min, 2 h or 7 d"
        )
    return float(found[1]) * _SECONDS[(found[2] or "s").lower()]


def more_than_zero(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return a parser that also rejects zero and negative numbers."""

    def parse_text(text: str) -> T:
        value = parse(text)
        if not cast("float", value) > 0:
            raise ValueError(f"{text!r} must be more than 0")
        return value

    return parse_text


def between(least: int, most: int, parse: Callable[[str], int]) -> Callable[[str], int]:
    """Return a parser that also rejects numbers outside of two bounds, which are allowed."""

    def parse_text(text: str) -> int:
        value = parse(text)
        if not least <= value <= most:
            raise ValueError(f"{text!r} must be from {least} to {most}")
        return value

    return parse_text


def count(text: str) -> int:
    """Parse a positive whole number."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ValueError(f"{text!r} is not a positive whole number")
    return int(text)


def or_off(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a parser that also accepts `off`, as None."""

    def parse_text(text: str) -> T | None:
        if text.lower() == "off":
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise ValueError(f"{error}, or off") from error

    return parse_text


def port(text: str) -> int:
    """Parse a TCP port."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > _LAST_PORT:
        raise ValueError(f"{text!r} is not a valid port; use a number from 1 to {_LAST_PORT}")
    return int(text)


def host(text: str) -> str:
    """Parse an address to listen on."""
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", text):
        raise ValueError(
            f"{text!r} is not a valid host; use an address of this machine, like 127.0.0.1"
        )
    return text


def public_url(text: str) -> str:
    """Parse the start of the links to archives."""
    try:
        url = urlsplit(text)
        _check_host(url.hostname or "")
        good = url.scheme in {"http", "https"} and url.port != 0
        good = good and _PUBLIC_PATH.fullmatch(url.path) is not None
    except ValueError:
        good = False
    if not good or url.username or url.query or url.fragment or re.search(r"\s", text):
        raise ValueError(
            f"{text!r} is not a valid public URL; use a form like https://packmule.example.org or "
            "https://example.org/packmule, without ? and #"
        )
    return text.rstrip("/")


def _check_host(text: str) -> None:
    """Raise ValueError unless clients can name this host in a request."""
    hosts.read_host(f"[{text}]" if ":" in text else text)


def token(text: str) -> str:
    """Parse a bearer token (RFC 6750 2.1) that is too long to guess, or nothing."""
    # Never repeat the value.
    if text and not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", text):
        raise ValueError("a token needs at least 16 letters, digits or -._~+/")
    return text


def webhook_url(text: str) -> str | None:
    """Parse the URL of a webhook; nothing is None."""
    if not text:
        return None
    # Never repeat the value: it may hold a password.
    try:
        return urls.parse(text).text
    except urls.UrlInvalid as error:
        raise ValueError(error.detail) from error


def file(text: str) -> Path | None:
    """Parse the path of an existing file; nothing is None."""
    if not text:
        return None
    path = Path(text).absolute()
    if not path.is_file():
        raise ValueError(f"the file {text!r} does not exist")
    return path


def database_url(text: str) -> str:
    """Parse the URL of an SQLite or PostgreSQL database; nothing stays nothing."""
    # Never repeat the value: it may hold a password.
    if text.startswith("postgres://"):
        text = text.replace("postgres://", "postgresql://", 1)
    if text and not text.startswith(("sqlite:///", "postgresql://")):
        raise ValueError(
            "only SQLite and PostgreSQL are supported; use sqlite:///path/to/packmule.db or "
            "postgresql://user:password@host/name"
        )
    return text


def storage_url(text: str) -> str:
    """Parse the URL of a bucket, with or without a prefix; nothing stays nothing."""
    if text and not re.fullmatch(
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?", text
    ):
        raise ValueError(f"{text!r} is not a valid bucket URL; use a form like s3://bucket/prefix")
    return text.rstrip("/")


def encryption(text: str) -> str:
    """Parse the encryption of a bucket; nothing stays nothing."""
    if text and not re.fullmatch(r"AES256|aws:kms(:[A-Za-z0-9:/_-]+)?", text):
        raise ValueError(f"{text!r} is not valid; use AES256, aws:kms or aws:kms:KEY")
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """Return a parser that accepts one of these words."""

    def parse_text(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{text!r} is not valid; use {', '.join(words[:-1])} or {words[-1]}")
        return text.lower()

    return parse_text
