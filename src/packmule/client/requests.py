"""The requests of the API: method, path, parameters, body.

Owns the form of each request, and which are idempotent. Pure. The contract is docs/openapi.json.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from packmule.client.steps import ApiRequest
from packmule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from packmule.client.values import CreateOptions, Link

_HASH = re.compile(r"[A-Za-z0-9_-]{1,128}")
# Seconds the server may need beyond those it was asked to hold the response.
_MARGIN = 15.0


def server_url(text: str) -> str:
    """Check a server's address, whose path is a prefix of the API's paths. Raises UsageError."""
    try:
        url = urlsplit(text)
        good = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or url.query or url.fragment or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise UsageError(
            "The server's address is invalid. Write it like http://localhost:8000 or "
            "https://example.org/packmule."
        )
    if url.username is not None or url.password is not None:
        raise UsageError(
            "The server's address must not contain a password. Pass the API key separately."
        )
    return text.rstrip("/")


def api_key(text: str | None) -> str | None:
    """Check an API key, which becomes a header. Raises UsageError, without the key."""
    if text is not None and not re.fullmatch(r"[\x21-\x7e]+", text):
        raise UsageError("The API key is invalid: it may contain only visible ASCII characters.")
    return text


def create(links: Iterable[Link], options: CreateOptions, key: str) -> ApiRequest:
    """Create a job. The key makes the request idempotent. Raises UsageError."""
    asked = {
        name: _seconds(given)
        for name, given in options.items()
        if given is not None and name not in {"idempotency_key", "on_warnings"}
    }
    if isinstance(links, str):
        raise UsageError("The links must be a list, not a string.")
    body = {"urls": [_item(link) for link in links], **asked}
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        encoded = text.encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"The request cannot be encoded as JSON: {error}.") from error
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return ApiRequest("POST", "/api/archive/create", headers=headers, body=encoded, timeout=120.0)


def _seconds(given: object) -> object:
    """Return a timedelta as the API takes it, and everything else unchanged."""
    return given.total_seconds() if isinstance(given, timedelta) else given


def _item(link: Link) -> str | dict[str, Any]:
    match link:
        case str():
            return link
        case (str() as url, str() as name):
            return {"url": url, "name": name}
        case (str() as url, None):
            return url
        case {"url": _}:
            return dict(link)
        case _:
            raise UsageError(
                f"{link!r} is not a link: pass a URL, a (URL, name) pair, or a mapping with `url`."
            )


def status(hash_: str, *, hold: float = 0.0) -> ApiRequest:
    """Get a job's status; the server may hold its response for `hold` seconds."""
    params = {"wait": f"{hold:.3f}"} if hold > 0 else {}
    path = f"/api/archive/status/{checked(hash_)}"
    return ApiRequest("GET", path, params, timeout=hold + _MARGIN)


def files(hash_: str, *, state: str | None, cursor: str | None, limit: int) -> ApiRequest:
    """Get one page of a job's files."""
    return ApiRequest("GET", f"/api/archive/files/{checked(hash_)}", _page(state, cursor, limit))


def archives(*, state: str | None, cursor: str | None, limit: int) -> ApiRequest:
    """Get one page of a client's archives."""
    return ApiRequest("GET", "/api/archive/list", _page(state, cursor, limit))


def _page(state: str | None, cursor: str | None, limit: int) -> dict[str, str]:
    given = {"state": state, "cursor": cursor, "limit": str(limit)}
    return {name: each for name, each in given.items() if each is not None}


def cancel(hash_: str) -> ApiRequest:
    """Cancel a job; cancelling it again changes nothing."""
    return ApiRequest("POST", f"/api/archive/cancel/{checked(hash_)}")


def retry(
    hash_: str,
    on_error: str | None,
    positions: Collection[int] | None = None,
    urls: Mapping[int, str] | None = None,
) -> ApiRequest:
    """Retry a failed job. Not idempotent: the second one would find it in progress."""
    asked = {
        "on_error": on_error,
        "positions": None if positions is None else sorted(positions),
        "urls": None if urls is None else {str(at): url for at, url in urls.items()},
    }
    given = {name: each for name, each in asked.items() if each is not None}
    try:
        body = json.dumps(given, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"The request cannot be encoded as JSON: {error}.") from error
    headers = {"Content-Type": "application/json"}
    path = f"/api/archive/retry/{checked(hash_)}"
    return ApiRequest("POST", path, headers=headers, body=body, idempotent=False)


def finish(hash_: str) -> ApiRequest:
    """Complete a job now with what is packed; finishing it again changes nothing."""
    return ApiRequest("POST", f"/api/archive/finish/{checked(hash_)}")


def delete(hash_: str) -> ApiRequest:
    """Remove an archive; removing it again changes nothing."""
    return ApiRequest("DELETE", f"/api/archive/{checked(hash_)}")


@dataclass(frozen=True, slots=True)
class Target:
    """What is downloaded: an archive, a file at a position in it, or a part of a split archive.

    Parts count from 1. Raises UsageError.
    """

    hash_: str
    position: int | None = None
    part: int | None = None

    def __post_init__(self) -> None:
        checked(self.hash_)
        if self.position is not None and self.position < 0:
            raise UsageError(f"{self.position} is not the position of a file; they count from 0.")
        if self.part is not None and self.part < 1:
            raise UsageError(f"{self.part} is not the number of a part; they count from 1.")
        if self.part is not None and self.position is not None:
            raise UsageError("Pass either a file or a part.")

    @property
    def key(self) -> str:
        """The text by which a later run knows what it resumes."""
        if self.part is not None:
            return f"{self.hash_}/parts/{self.part}"
        return self.hash_ if self.position is None else f"{self.hash_}/{self.position}"

    @property
    def path(self) -> str:
        """The path of its URL."""
        if self.part is not None:
            return f"/archive/get/{self.hash_}/parts/{self.part}"
        of_file = ".zip" if self.position is None else f"/files/{self.position}"
        return f"/archive/get/{self.hash_}{of_file}"


def download(target: Target, headers: Mapping[str, str], *, timeout: float) -> ApiRequest:
    """Download an archive or a file; `timeout` limits the seconds without a byte."""
    return ApiRequest("GET", target.path, headers=headers, timeout=timeout)


def checked(hash_: str) -> str:
    """Check an archive hash, which becomes part of a path. Raises UsageError."""
    if not _HASH.fullmatch(hash_):
        raise UsageError(f"{hash_!r} is not an archive hash. Pass the one that `create` returned.")
    return hash_
