"""From answers to values: status documents, pages of files, problems.

Owns what a good answer must have, and what is said where it has not. Strict with what is needed,
blind to what is added: a newer server may tell more. Pure.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from packmule.client.errors import BadAnswer, BadItem, RequestRefused
from packmule.client.values import (
    Cancelled,
    Completed,
    Expired,
    Failed,
    File,
    FileFailure,
    FilePage,
    InProgress,
    Progress,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.client.steps import Reply

T = TypeVar("T")

# What a document of another form leads to, wherever in it that is met.
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    RecursionError,
    OverflowError,
)
_SHOWN = 80
_LONGEST_RETRY_AFTER = 10.0**9


def value(reply: Reply, read: Callable[[Any], T]) -> T:
    """Read the document of a successful answer. Raises BadAnswer."""
    try:
        return read(json.loads(reply.body))
    except _UNREADABLE as error:
        raise BadAnswer(
            f"The answer ({reply.status}) is not of the form that a Packmule server gives: "
            f"{_beginning(reply.body)}. Is this the address of one, and of this version?"
        ) from error


def _beginning(body: bytes) -> str:
    text = "".join(
        c if c.isprintable() else " " for c in body[: _SHOWN * 4].decode("utf-8", "replace")
    )
    words = " ".join(text.split())
    return repr(words[:_SHOWN] + ("…" if len(words) > _SHOWN else "")) if words else "nothing"


# --- problems ----------------------------------------------------------------------------------


def refusal(reply: Reply, now: datetime) -> RequestRefused | BadAnswer:
    """Read an answer that is none of success."""
    after = retry_after(reply.headers.get("retry-after", ""), now)
    try:
        document = json.loads(reply.body)
        code, detail = _text(document["code"]), _text(document["detail"])
        listed = document.get("errors") or ()
        errors = tuple(_bad_item(each) for each in listed if isinstance(each, dict))
    except _UNREADABLE:
        return _of_a_stranger(reply, after)
    return RequestRefused(reply.status, code, detail, retry_after=after, errors=errors)


def _bad_item(document: dict[str, Any]) -> BadItem:
    where = document.get("pointer") or document.get("parameter") or ""
    return BadItem(_text(where), _text(document.get("detail", "")))


def _of_a_stranger(reply: Reply, after: float | None) -> RequestRefused | BadAnswer:
    """Tell of an answer that is no problem document: a proxy's page, or no Packmule at all."""
    phrase = f"{reply.status} {_phrase(reply.status)}".strip()
    if 300 <= reply.status < 400:  # noqa: PLR2004  # HTTP's own classes
        # A login page's or a bucket's address may hold a secret in its query.
        where = re.split(r"[?#]", reply.headers.get("location", ""), maxsplit=1)[0]
        return BadAnswer(
            f"The server's address leads elsewhere ({phrase}): use {where or 'the right one'}."
        )
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= 500:  # noqa: PLR2004
        detail = f"What stands before the server, or the server itself, answered {phrase}."
        return RequestRefused(reply.status, f"http-{reply.status}", detail, retry_after=after)
    return BadAnswer(
        f"The answer is {phrase}, but not as a Packmule server gives it: "
        f"{_beginning(reply.body)}. Is this the address of one?"
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def retry_after(text: str, now: datetime) -> float | None:
    """Read a Retry-After: seconds or a date. RFC 9110 10.2.3; None where it is neither."""
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
    """Read what `create` answers."""
    return _text(document["archive_hash"])


def status(document: Any) -> Status:
    """Read a status document. Raises ValueError, KeyError, TypeError."""
    match document["status"]:
        case "in-progress":
            return InProgress(_progress(document["progress"]), document)
        case "completed":
            return Completed(
                _text(document["url"]),
                _whole(document["size"]),
                _moment(document["expires_at"]),
                tuple(map(_failure, document.get("missing") or ())),
                document,
            )
        case "failed":
            error = document["error"]
            failures = tuple(map(_failure, document.get("failures") or ()))
            return Failed(_text(error["code"]), _text(error["detail"]), failures, document)
        case "cancelled":
            return Cancelled(document)
        case "expired":
            return Expired(document)
        case other:
            raise ValueError(f"{other!r} is no status")


def _progress(document: Any) -> Progress:
    files, sizes = document["files"], document["bytes"]
    return Progress(
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
        url=_text(document["url"]),
        name=_maybe(_text, document.get("name")),
        code=_text(document["code"]),
        detail=_text(document["detail"]),
        http_status=_maybe(_whole, document.get("http_status")),
        attempts=_whole(document.get("attempts") or 0),
    )


def file_page(document: Any) -> FilePage:
    """Read a page of files. Raises ValueError, KeyError, TypeError."""
    return FilePage(tuple(map(_file, document["files"])), _maybe(_text, document.get("cursor")))


def _file(document: Any) -> File:
    url, name = _text(document["url"]), _maybe(_text, document.get("name"))
    failure, warning = document.get("failure"), document.get("warning")
    return File(
        position=_whole(document["position"]),
        url=url,
        name=name,
        state=_text(document["state"]),
        bytes_done=_whole(document["bytes"]["done"]),
        bytes_total=_maybe(_whole, document["bytes"].get("total")),
        attempts=_maybe(_whole, document.get("attempts")),
        failure=None if failure is None else _failure({**failure, "url": url, "name": name}),
        warning=None if warning is None else _text(warning["code"]),
        document=document,
    )


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{found!r} is no text")
    return found


def _whole(found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise TypeError(f"{found!r} is no whole number")
    return found


def _number(found: Any) -> float:
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise TypeError(f"{found!r} is no number")
    if not math.isfinite(found):
        raise ValueError(f"{found!r} is no finite number")
    return float(found)


def _moment(found: Any) -> datetime:
    moment = datetime.fromisoformat(_text(found))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _maybe(read: Callable[[Any], T], found: Any) -> T | None:
    return None if found is None else read(found)
