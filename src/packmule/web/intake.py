"""Validation: a request's body becomes a value, or a problem that points at each invalid item.

Owns the checks of a job's request: its structure by `schema.py`, its links by `outbound.urls`. An
error names up to `MAX_ERRORS` items, each by JSON pointer (RFC 6901). Leaves reading the body to
`bodies.py`. Pure. `job_request` can take a tenth of a second, so call it in a thread.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from packmule.jobs.model import JobRequest, Source
from packmule.outbound import urls
from packmule.outbound.urls import UrlInvalid
from packmule.web.problems import Problem, ProblemCode
from packmule.web.schema import CreateIn, Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic_core import ErrorDetails

    from packmule.outbound.addresses import AddressRules
    from packmule.web.bounds import RequestBounds

MAX_ERRORS = 50
_FIELDS_OF_A_LINK = len(Link.model_fields)
_MOST_UNKNOWN = 100
"""Unknown fields in a body, each of which is an error to describe."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_UNFIT_IN_FILE_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")
_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_type": "must be a string",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "must not contain a NUL character",
}
Model = TypeVar("Model", bound=BaseModel)


def parse(body: bytes, model: type[Model]) -> Model:
    """Check a body's structure. Raises Problem: 400 where it is no JSON, else 422."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(_structural(error)) from error


def job_request(
    body: bytes, idempotency_keys: Sequence[str], rules: AddressRules, bounds: RequestBounds
) -> JobRequest:
    """Check a create request in full. Raises Problem; nothing is created then."""
    idempotency_key = _idempotency_key(idempotency_keys)
    # Each item of a list costs a comma: a body that may have too many is counted before each of
    # its faults is described, which takes 1 kB of memory a fault.
    if body.count(b",") >= bounds.max_urls:
        _count(body, bounds)
    try:
        asked = CreateIn.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(_with_links(_structural(error), body, rules, bounds)) from error
    errors = [*_bad_fields(asked, rules, bounds), *_bad_links(enumerate(asked.urls), rules, bounds)]
    if errors:
        raise _invalid(errors)
    return JobRequest(
        sources=tuple(
            Source(at, item) if isinstance(item, str) else Source(at, item.url, item.name)
            for at, item in enumerate(asked.urls)
        ),
        name=_with_extension(asked.name),
        on_error=asked.on_error,
        on_html=asked.on_html,
        compression=asked.compression,
        webhook_url=asked.webhook_url,
        expires_in=asked.expires_in,
        priority=asked.priority,
        idempotency_key=idempotency_key,
    )


def _count(body: bytes, bounds: RequestBounds) -> None:
    """Refuse a body of more links, or more fields, than any good one has. Raises Problem."""
    try:
        document = from_json(body)
    except ValueError:
        return  # no JSON: its first fault is its only one
    if not isinstance(document, dict):
        return
    items = document.get("urls")
    if isinstance(items, list):
        if len(items) > bounds.max_urls:
            raise _invalid([("/urls", f"has {len(items)} links; a job may have {bounds.max_urls}")])
        unknown = 0
        for position, item in enumerate(items):
            unknown += max(len(item) - _FIELDS_OF_A_LINK, 0) if isinstance(item, dict) else 0
            if unknown > _MOST_UNKNOWN:
                raise _invalid([(f"/urls/{position}", "has too many fields")])
    if len(document) > _MOST_UNKNOWN:
        raise _invalid([("", "has too many fields")])


def _idempotency_key(shown: Sequence[str]) -> str | None:
    """Check the header's values, of which there may be one. Raises Problem."""
    if not shown:
        return None
    if len(shown) > 1:
        detail = "is there more than once"
    elif not _KEY.fullmatch(shown[0]):
        detail = "must be 1 to 255 visible ASCII characters"
    else:
        return shown[0]
    raise Problem(
        422,
        ProblemCode.INVALID,
        f"The header Idempotency-Key {detail}.",
        errors=[{"parameter": "Idempotency-Key", "detail": detail}],
    )


def _structural(error: ValidationError) -> list[tuple[str, str]]:
    """Translate what pydantic found. Raises Problem where the body is no JSON at all."""
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        reason = found[0]["ctx"]["error"]
        raise Problem(400, ProblemCode.NOT_JSON, f"The body is no JSON: {reason}.") from error
    return [(_pointer(each["loc"]), _sentence(each)) for each in found]


def _with_links(
    errors: list[tuple[str, str]], body: bytes, rules: AddressRules, bounds: RequestBounds
) -> list[tuple[str, str]]:
    """Add what is wrong with the links beside the wrong structure, so all is told at once."""
    document = from_json(body)
    items = document.get("urls") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return errors
    told = {pointer for pointer, _ in errors}
    good: list[tuple[int, str | Link]] = [
        (at, item if isinstance(item, str) else Link.model_construct(url=item["url"]))
        for at, item in enumerate(items)
        if isinstance(item, str) or (isinstance(item, dict) and isinstance(item.get("url"), str))
    ]
    links = [each for each in _bad_links(good, rules, bounds) if each[0] not in told]
    return sorted([*errors, *links], key=lambda each: _place(each[0]))


def _place(pointer: str) -> tuple[str, int]:
    """Order by field, and within `urls` by position."""
    name, _, rest = pointer[1:].partition("/")
    number = rest.partition("/")[0]
    return name, int(number) if number.isdecimal() else -1


def _bad_fields(
    asked: CreateIn, rules: AddressRules, bounds: RequestBounds
) -> Iterator[tuple[str, str]]:
    """Check what the structure alone does not tell."""
    if asked.name is not None and _UNFIT_IN_FILE_NAME.search(asked.name):
        yield "/name", "must be a file name, without slashes and control characters"
    if asked.expires_in is not None and asked.expires_in > bounds.retention:
        yield "/expires_in", f"is above this server's limit of {bounds.retention:.0f} seconds"
    if asked.webhook_url is not None:
        if not bounds.job_webhooks:
            yield "/webhook_url", "this server does not let a job name its own webhook"
        elif (fault := _fault_of(asked.webhook_url, rules, bounds)) is not None:
            yield "/webhook_url", fault


def _bad_links(
    items: Iterable[tuple[int, str | Link]], rules: AddressRules, bounds: RequestBounds
) -> Iterator[tuple[str, str]]:
    """Check each link; what can be told only by looking its host up is told by the job."""
    for position, item in items:
        fault = _fault_of(item if isinstance(item, str) else item.url, rules, bounds)
        if fault is not None:
            yield f"/urls/{position}" + ("" if isinstance(item, str) else "/url"), fault


def _fault_of(link: str, rules: AddressRules, bounds: RequestBounds) -> str | None:
    """Say why a link cannot be used; None where nothing is known against it."""
    try:
        refused = urls.refusal(urls.parse(link, max_length=bounds.max_url_length), rules)
    except UrlInvalid as error:
        return error.detail
    return None if refused is None else refused[1]


def _with_extension(name: str | None) -> str | None:
    if name is None or name.lower().endswith(".zip"):
        return name
    return f"{name}.zip"


def _invalid(errors: list[tuple[str, str]]) -> Problem:
    """Name the bad items, the first fifty of them."""
    listed = [{"pointer": pointer, "detail": detail} for pointer, detail in errors[:MAX_ERRORS]]
    if len(errors) == 1:
        pointer, detail = errors[0]
        summary = f"{pointer or 'The body'}: {detail}."
    elif len(errors) <= MAX_ERRORS:
        summary = f"{len(errors)} things in the body cannot be used; `errors` names them."
    else:
        summary = (
            f"{len(errors)} things in the body cannot be used; "
            f"`errors` names the first {MAX_ERRORS}."
        )
    return Problem(422, ProblemCode.INVALID, summary, errors=listed)


def _pointer(location: tuple[int | str, ...]) -> str:
    """Write where an error is. RFC 6901 3.

    Below an item of `urls` the location names which form was tried: no part of the document.
    """
    if location[:1] == ("urls",):
        location = (*location[:2], *location[3:])
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _sentence(error: ErrorDetails) -> str:
    plain = _PLAIN.get(error["type"])
    if plain is not None:
        return plain
    message = error["msg"]
    for start, instead in (("Input should", "must"), ("String should", "must")):
        if message.startswith(start):
            return instead + message.removeprefix(start)
    return message
