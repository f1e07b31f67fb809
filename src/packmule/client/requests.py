"""The requests of the API: method, path, parameters, body.

Owns how each is asked for, and which may be sent twice. Pure. The law: docs/openapi.json.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from packmule.client.steps import Request
from packmule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from packmule.client.values import CreateOptions, Link

_HASH = re.compile(r"[A-Za-z0-9_-]{1,128}")
# What the server may need beyond the seconds it was asked to hold an answer.
_MARGIN = 15.0


def server_url(text: str) -> str:
    """Read a server's address, whose path goes before all of the API's. Raises UsageError."""
    try:
        url = urlsplit(text)
        good = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or url.query or url.fragment or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise UsageError(
            "The server's address cannot be used: write it like http://localhost:8000 or "
            "https://example.org/packmule."
        )
    if url.username is not None or url.password is not None:
        raise UsageError("The server's address must not hold a password; give the key as API key.")
    return text.rstrip("/")


def api_key(text: str | None) -> str | None:
    """Check a key, which goes into a header. Raises UsageError, without the key."""
    if text is not None and not re.fullmatch(r"[\x21-\x7e]+", text):
        raise UsageError("The API key cannot be used: it must be visible ASCII characters.")
    return text


def create(links: Iterable[Link], options: CreateOptions, key: str) -> Request:
    """Ask for an archive. With its key it may be sent twice. Raises UsageError."""
    asked = {
        name: given
        for name, given in options.items()
        if given is not None and name != "idempotency_key"
    }
    if isinstance(links, str):
        raise UsageError("The links must be a list, not one string.")
    body = {"urls": [_item(link) for link in links], **asked}
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        encoded = text.encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"The request cannot be written as JSON: {error}.") from error
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return Request("POST", "/api/archive/create", headers=headers, body=encoded, timeout=120.0)


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
                f"{link!r} is no link: write a URL, a pair of URL and name, or an object with url."
            )


def status(hash_: str, *, hold: float = 0.0) -> Request:
    """Ask how a job is; the server may hold its answer for seconds."""
    params = {"wait": f"{hold:.3f}"} if hold > 0 else {}
    path = f"/api/archive/status/{checked(hash_)}"
    return Request("GET", path, params, timeout=hold + _MARGIN)


def files(hash_: str, *, state: str | None, cursor: str | None, limit: int) -> Request:
    """Ask for some files of a job."""
    given = {"state": state, "cursor": cursor, "limit": str(limit)}
    params = {name: each for name, each in given.items() if each is not None}
    return Request("GET", f"/api/archive/files/{checked(hash_)}", params)


def cancel(hash_: str) -> Request:
    """Ask to cancel; once cancelled, again changes nothing."""
    return Request("POST", f"/api/archive/cancel/{checked(hash_)}")


def retry(hash_: str, on_error: str | None) -> Request:
    """Ask to try a failed job again; sent twice, the second one finds it in progress."""
    body = json.dumps({} if on_error is None else {"on_error": on_error}).encode()
    headers = {"Content-Type": "application/json"}
    path = f"/api/archive/retry/{checked(hash_)}"
    return Request("POST", path, headers=headers, body=body, again=False)


def delete(hash_: str) -> Request:
    """Ask to remove an archive; once removed, again changes nothing."""
    return Request("DELETE", f"/api/archive/{checked(hash_)}")


def download(hash_: str, headers: Mapping[str, str], *, timeout: float) -> Request:
    """Ask for the archive itself; `timeout` is without a byte."""
    return Request("GET", f"/archive/get/{checked(hash_)}.zip", headers=headers, timeout=timeout)


def checked(hash_: str) -> str:
    """Refuse what would be another path. Raises UsageError."""
    if not _HASH.fullmatch(hash_):
        raise UsageError(f"{hash_!r} is no hash of an archive: use the one that create gave.")
    return hash_
