"""Read responses: status documents, pages of files, problem documents.

Owns what a valid response must contain, and the errors if it does not. Strict about what is needed
and tolerant of additions: a newer server may send more. Pure.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from packmule.client.errors import APIStatusError, InvalidField, InvalidResponseError
from packmule.client.values import (
    Archive,
    ArchiveBatch,
    Cancelled,
    Completed,
    Expired,
    Failed,
    File,
    FileBatch,
    FileFailure,
    FileWarning,
    InProgress,
    JobProgress,
    SplitPart,
    Status,
)
from packmule.foreign_text import clipped, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.client.steps import ApiResponse

T = TypeVar("T")

# What reading a document of another form raises, wherever in it.
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    RecursionError,
    OverflowError,
)
_EXCERPT = 80
_LONGEST_LOCATION = 500
_ARCHIVE_HASH = re.compile(r"[0-9a-f]{32}")
_WEB_ADDRESS = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_LONGEST_RETRY_AFTER = 10.0**9


def value(response: ApiResponse, read: Callable[[Any], T]) -> T:
    """Read the document of a successful response. Raises InvalidResponseError."""
    try:
        return read(json.loads(response.body))
    except _UNREADABLE as error:
        raise InvalidResponseError(
            f"Unexpected response ({response.status}): {_excerpt(response.body)}. Is this a "
            "Packmule server, and of this version?"
        ) from error


def _excerpt(body: bytes) -> str:
    text = "".join(
        c if c.isprintable() else " " for c in body[: _EXCERPT * 4].decode("utf-8", "replace")
    )
    words = " ".join(text.split())
    return repr(words[:_EXCERPT] + ("…" if len(words) > _EXCERPT else "")) if words else "nothing"


# --- problems ----------------------------------------------------------------------------------


def refusal(response: ApiResponse, now: datetime) -> APIStatusError | InvalidResponseError:
    """Read the response to a request that was not successful."""
    after = retry_after(response.headers.get("retry-after", ""), now)
    try:
        document = json.loads(response.body)
        code, detail = _line(document["code"]), _line(document["detail"])
        listed = document.get("errors") or ()
        errors = tuple(_bad_item(each) for each in listed if isinstance(each, dict))
    except _UNREADABLE:
        return _without_problem(response, after)
    return APIStatusError(response.status, code, detail, retry_after=after, errors=errors)


def _bad_item(document: dict[str, Any]) -> InvalidField:
    where = document.get("pointer") or document.get("parameter") or ""
    return InvalidField(_line(where), _line(document.get("detail", "")))


def _without_problem(
    response: ApiResponse, after: float | None
) -> APIStatusError | InvalidResponseError:
    """Return the error for a response without a problem document: a proxy's, or a stranger's."""
    phrase = f"{response.status} {_phrase(response.status)}".strip()
    if 300 <= response.status < 400:  # noqa: PLR2004  # HTTP's own classes
        # A login page's or a bucket's address may hold a secret in its query.
        location = clipped(response.headers.get("location", ""), _LONGEST_LOCATION)
        where = re.split(r"[?#]", location, maxsplit=1)[0]
        return InvalidResponseError(
            f"The server's address redirects ({phrase}): use {where or 'the final one'} instead."
        )
    if response.status == HTTPStatus.TOO_MANY_REQUESTS or response.status >= 500:  # noqa: PLR2004
        detail = f"The server, or a proxy before it, answered {phrase}."
        return APIStatusError(response.status, f"http-{response.status}", detail, retry_after=after)
    return InvalidResponseError(
        f"Unexpected response {phrase}: {_excerpt(response.body)}. Is this a Packmule server?"
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def retry_after(text: str, now: datetime) -> float | None:
    """Read Retry-After: seconds or a date (RFC 9110 10.2.3). Return None if it is neither."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


# --- documents ---------------------------------------------------------------------------------


def archive_hash(document: Any) -> str:
    """Read the response to `create`. Raises ValueError, KeyError, TypeError."""
    found = _text(document["archive_hash"])
    if not _ARCHIVE_HASH.fullmatch(found):
        raise ValueError("it is not an archive hash")
    return found


def warnings(document: Any) -> tuple[FileWarning, ...]:
    """Read the warnings of a response. Raises ValueError, KeyError, TypeError."""
    return tuple(map(_warning, document.get("warnings") or ()))


def status(document: Any) -> Status:
    """Read a status document. Raises ValueError, KeyError, TypeError."""
    match document["status"]:
        case "in-progress":
            return InProgress(_progress(document["progress"]), document)
        case "completed":
            return Completed(
                _web_address(document["url"]),
                _whole(document["size"]),
                _moment(document["expires_at"]),
                tuple(map(_failure, document.get("missing") or ())),
                document,
                warnings(document),
                tuple(map(_part, document.get("parts") or ())),
            )
        case "failed":
            error = document["error"]
            failures = tuple(map(_failure, document.get("failures") or ()))
            return Failed(_line(error["code"]), _line(error["detail"]), failures, document)
        case "cancelled":
            return Cancelled(document)
        case "expired":
            return Expired(document)
        case other:
            raise ValueError(f"{other!r} is not a status")


def _part(document: Any) -> SplitPart:
    return SplitPart(
        _web_address(document["url"]), _whole(document["size"]), _whole(document["files"])
    )


def _progress(document: Any) -> JobProgress:
    files, sizes = document["files"], document["bytes"]
    return JobProgress(
        files_total=_whole(files["total"]),
        files_done=_whole(files["done"]),
        files_failed=_whole(files["failed"]),
        bytes_done=_whole(sizes["done"]),
        bytes_total=_maybe(_whole, sizes.get("total")),
        bytes_per_second=_number(document.get("bytes_per_second") or 0.0),
        eta_seconds=_maybe(_number, document.get("eta_seconds")),
    )


def _failure(document: Any) -> FileFailure:
    return FileFailure(
        url=_line(document["url"]),
        name=_maybe(_line, document.get("name")),
        code=_line(document["code"]),
        detail=_line(document["detail"]),
        http_status=_maybe(_whole, document.get("http_status")),
        attempts=_whole(document.get("attempts") or 0),
        position=_maybe(_whole, document.get("position")),
    )


def _warning(document: Any) -> FileWarning:
    return FileWarning(
        position=_whole(document["position"]),
        url=_text(document["url"]),
        name=_maybe(_text, document.get("name")),
        code=_text(document["code"]),
        detail=_text(document["detail"]),
    )


def archive_batch(document: Any) -> ArchiveBatch:
    """Read a page of archives. Raises ValueError, KeyError, TypeError."""
    archives = tuple(map(_archive, document["archives"]))
    return ArchiveBatch(archives, _maybe(_text, document.get("next")))


def _archive(document: Any) -> Archive:
    return Archive(
        archive_hash=archive_hash(document),
        name=_line(document["name"]),
        status=_line(document["status"]),
        created_at=_moment(document["created_at"]),
        size=_maybe(_whole, document.get("size")),
        expires_at=_maybe(_moment, document.get("expires_at")),
        url=_maybe(_web_address, document.get("url")),
        document=document,
    )


def file_batch(document: Any) -> FileBatch:
    """Read a page of files. Raises ValueError, KeyError, TypeError."""
    return FileBatch(tuple(map(_file, document["files"])), _maybe(_text, document.get("cursor")))


def _file(document: Any) -> File:
    url, name = _line(document["url"]), _maybe(_line, document.get("name"))
    failure, warning = document.get("failure"), document.get("warning")
    return File(
        position=_whole(document["position"]),
        url=url,
        name=name,
        state=_line(document["state"]),
        bytes_done=_whole(document["bytes"]["done"]),
        bytes_total=_maybe(_whole, document["bytes"].get("total")),
        attempts=_maybe(_whole, document.get("attempts")),
        failure=None if failure is None else _failure({**failure, "url": url, "name": name}),
        warning=None if warning is None else _line(warning["code"]),
        document=document,
    )


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{found!r} is not a string")
    return found


def _line(found: Any) -> str:
    """Read text for people: whatever the server sends, it is safe to print."""
    return printable(_text(found))


def _web_address(found: Any) -> str:
    text = _text(found)
    if not _WEB_ADDRESS.fullmatch(text) or not text.isprintable():
        raise ValueError("it is not a web address")
    return text


def _whole(found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise TypeError(f"{found!r} is not a whole number")
    return found


def _number(found: Any) -> float:
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise TypeError(f"{found!r} is not a number")
    if not math.isfinite(found):
        raise ValueError(f"{found!r} is not a finite number")
    return float(found)


def _moment(found: Any) -> datetime:
    moment = datetime.fromisoformat(_text(found))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _maybe(read: Callable[[Any], T], found: Any) -> T | None:
    return None if found is None else read(found)
