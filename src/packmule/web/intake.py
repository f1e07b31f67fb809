"""Validation: a request's body becomes a value, or a problem that points at each invalid item.

Owns the checks of a job's request: its structure by `schema.py`, its links by `outbound.urls`. An
error names up to `MAX_ERRORS` items, each by JSON pointer (RFC 6901). Leaves reading the body to
`bodies.py`, and walking through it to `json_scan.py`. Pure. `job_request` takes a few seconds for a
million links, so call it in a thread.

A hostile body must not cost more than a valid one (docs/decisions/0036-hostile-bodies.md). So links
are counted before any of them is decoded, they are decoded one at a time, and validation stops at
the last error that is reported.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from packmule.jobs.expected import expected
from packmule.jobs.model import JobRequest, Manifest, Renewal, Source
from packmule.outbound import urls
from packmule.outbound.share_links import rewritten
from packmule.outbound.urls import UrlInvalid
from packmule.web.json_scan import JsonObject, NotJsonError, ValueTooLongError, without_bom
from packmule.web.problems import Problem, ProblemCode
from packmule.web.schema import CreateIn, Link, RetryIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from packmule.jobs.expected import Expected
    from packmule.jobs.model import OnError
    from packmule.outbound.addresses import AddressRules
    from packmule.web.bounds import RequestBounds
    from packmule.web.json_scan import Body

MAX_ERRORS = 50
_MOST_UNKNOWN = 100
"""Unknown fields in an object, each of which is an error to describe."""
_BYTES_PER_CHARACTER = 12
"""The longest way to write one: two escapes of six bytes, `\\ud83d\\ude00`."""
_OTHER_BYTES = 16 * 1024
"""What a value may have beside a link: a name, spaces, unknown fields."""
_POSITION = re.compile(r"0|[1-9][0-9]{0,8}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_UNFIT_IN_FILE_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")
_MISMATCH = "string_pattern_mismatch"
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
    _MISMATCH: "must not contain a NUL character",
}
_HEXADECIMAL: dict[int | str, str] = {
    "sha256": "must be 64 hexadecimal digits",
    "md5": "must be 32 hexadecimal digits",
}
_MANIFESTS = {False: Manifest.NONE, True: Manifest.SUMS, "bagit": Manifest.BAGIT}
_Wanted = tuple[str, str | None, "Expected | None"]
Model = TypeVar("Model", bound=BaseModel)
Fault = tuple[str, str]
"""A JSON pointer, and what is wrong there."""


def parse(body: Body, model: type[Model]) -> Model:
    """Check the structure of a small body. Raises Problem: 400 if it is not JSON, otherwise 422."""
    try:
        return model.model_validate_json(without_bom(body))
    except ValidationError as error:
        errors = _structural(error)
        raise _invalid(errors[:MAX_ERRORS], _summary(errors[:MAX_ERRORS], 0)) from error


def job_request(
    body: Body, idempotency_keys: Sequence[str], rules: AddressRules, bounds: RequestBounds
) -> JobRequest:
    """Check a create request in full. Raises Problem; nothing is created then.

    Empties the body if it is a bytearray, to make room for the links that were in it.
    """
    idempotency_key = _idempotency_key(idempotency_keys)
    try:
        found = _outline(body, bounds)
        links: list[str | _Wanted] = []
        asked, errors = _fields(found, rules, bounds)
        items = _items(body, found.items_at, bounds)
        errors = islice(chain(errors, _bad_links(items, links, rules, bounds)), MAX_ERRORS)
        told = sorted(errors, key=lambda each: _place(each[0]))
    except NotJsonError as error:
        raise _not_json(str(error)) from error
    if told or asked is None:
        raise _invalid(told, _summary(told, found.count))
    if isinstance(body, bytearray):
        body.clear()
    return JobRequest(
        sources=tuple(
            Source(at, link) if isinstance(link, str) else Source(at, *link)
            for at, link in enumerate(links)
        ),
        name=_with_extension(asked.name),
        on_error=asked.on_error,
        on_html=asked.on_html,
        compression=asked.compression,
        manifest=_MANIFESTS[asked.manifest],
        max_part_bytes=asked.max_part_bytes,
        webhook_url=asked.webhook_url,
        expires_in=asked.expires_in,
        priority=asked.priority,
        idempotency_key=idempotency_key,
    )


def retry_request(
    body: Body, rules: AddressRules, bounds: RequestBounds
) -> tuple[OnError | None, Renewal]:
    """Check a retry request: what to do with what fails again, and what to try. Raises Problem."""
    asked = parse(body, RetryIn) if body.strip() else RetryIn()
    links, positions = asked.urls or {}, asked.positions
    if max(len(links), len(positions or ())) > bounds.max_urls:
        raise _refused("", f"names more than {bounds.max_urls} files")
    errors = list(islice(_bad_new_links(links, rules, bounds), MAX_ERRORS))
    if errors:
        raise _invalid(errors, _summary(errors, len(links)))
    urls = {int(position): link for position, link in links.items()}
    chosen = None if positions is None else frozenset(positions) | urls.keys()
    return asked.on_error, Renewal(chosen, urls)


def refuse_positions(renewal: Renewal, wrong: frozenset[int]) -> Problem:
    """Return the problem of a retry that names files which have not failed."""
    errors = [
        (
            f"/urls/{position}" if position in renewal.urls else "/positions",
            f"file {position} has not failed",
        )
        for position in sorted(wrong)[:MAX_ERRORS]
    ]
    return _invalid(errors, _summary(errors, len(renewal.urls)))


def _bad_new_links(
    links: Mapping[str, str], rules: AddressRules, bounds: RequestBounds
) -> Iterator[Fault]:
    for position, link in links.items():
        pointer = _pointer(("urls", position))
        if not _POSITION.fullmatch(position):
            yield pointer, "must be the position of a failed file, such as 3"
        elif (fault := _fault_of(rewritten(link, bounds.rewrite_links), rules, bounds)) is not None:
            yield pointer, fault


@dataclass(slots=True)
class _Outline:
    """What a first pass finds: where the links are, how many, and the text of each other field.

    `items_at` is the byte where the list begins, None without one.
    """

    members: dict[str, bytes]
    errors: list[Fault]
    items_at: int | None = None
    count: int = 0


def _outline(body: Body, bounds: RequestBounds) -> _Outline:
    """Find the members and count the links; decode nothing. Raises NotJsonError, Problem."""
    found = _Outline({}, [])
    scan = JsonObject(body, longest=_longest(bounds))
    if not scan.is_object():
        with suppress(ValueTooLongError):
            scan.value()
            parse(body, CreateIn)  # finds whether it is JSON
        raise _refused("", "must be an object")
    pointer = ""
    try:
        for key in scan.members():
            pointer = _pointer((key,))
            _note(found, key, _value(found, scan, bounds) if key == "urls" else scan.value())
            pointer = ""
    except ValueTooLongError:
        inside = f"/{found.count}" if pointer == "/urls" and found.items_at is not None else ""
        raise _refused(pointer + inside, "is too long") from None
    return found


def _value(found: _Outline, scan: JsonObject, bounds: RequestBounds) -> bytes:
    """Count the links; return a short list that stands for them. Raises as `_outline` does."""
    if not scan.is_list():
        return scan.value()
    found.items_at, found.count = scan.position, 0
    for _ in scan.items():
        found.count += 1
        if found.count > bounds.max_urls:
            raise _refused("/urls", f"has more than {bounds.max_urls} links")
    return b'["https://placeholder.invalid"]' if found.count else b"[]"


def _note(found: _Outline, key: str, value: bytes) -> None:
    """Keep a member. Raises Problem for one too many."""
    if key not in CreateIn.model_fields:
        # Its name is error enough: whatever it holds is neither decoded nor kept.
        found.errors.append((_pointer((key,)), _PLAIN["extra_forbidden"]))
    elif key in found.members:
        found.errors.append((_pointer((key,)), "is there more than once"))
    else:
        found.members[key] = value
    if len(found.errors) > _MOST_UNKNOWN:
        raise _refused("", "has too many fields")


def _longest(bounds: RequestBounds) -> int:
    """Return how many bytes one value may have, however it is written."""
    return bounds.max_url_length * _BYTES_PER_CHARACTER + _OTHER_BYTES


def _fields(
    found: _Outline, rules: AddressRules, bounds: RequestBounds
) -> tuple[CreateIn | None, Iterator[Fault]]:
    """Check all members but the links; return them, None if their structure is wrong."""
    known = [b'"%s":%s' % (key.encode(), value) for key, value in found.members.items()]
    try:
        asked = CreateIn.model_validate_json(b"{" + b",".join(known) + b"}")
    except ValidationError as error:
        return None, chain(found.errors, _structural(error))
    return asked, chain(found.errors, _bad_fields(asked, rules, bounds))


def _items(body: Body, start: int | None, bounds: RequestBounds) -> Iterator[object]:
    """Decode the links, one at a time. Raises Problem."""
    if start is None:
        return
    for position, item in enumerate(
        JsonObject(body, longest=_longest(bounds), start=start).items()
    ):
        try:
            yield from_json(item, allow_inf_nan=False)
        except ValueError as error:
            reason = str(error).partition(" at line ")[0]
            raise _not_json(f"{reason} at /urls/{position}") from error


def _bad_links(
    items: Iterator[object],
    links: list[str | _Wanted],
    rules: AddressRules,
    bounds: RequestBounds,
) -> Iterator[Fault]:
    """Check each link, and add it to `links`; what only a DNS lookup tells is left to the job."""
    for position, item in enumerate(items):
        pointer = f"/urls/{position}"
        match item:
            case str():
                url, given = item, None
            case dict() if len(item) > _MOST_UNKNOWN:
                yield pointer, "has too many fields"
                continue
            case dict():
                try:
                    link = Link.model_validate(item)
                except ValidationError as error:
                    yield from ((pointer + at, text) for at, text in _structural(error))
                    link = Link.model_construct(url=item.get("url"))
                url = link.url
                given = link.name, expected(link.sha256, link.md5, link.size)
                pointer += "/url"
                if not isinstance(url, str):
                    continue
            case _:
                yield pointer, "is neither a link nor an object with `url` and `name`"
                continue
        links.append(url if given is None else (url, *given))
        fault = _fault_of(rewritten(url, bounds.rewrite_links), rules, bounds)
        if fault is not None:
            yield pointer, fault


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


def _structural(error: ValidationError) -> list[Fault]:
    """Translate what pydantic found. Raises Problem if the text is not JSON at all."""
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        raise _not_json(found[0]["ctx"]["error"]) from error
    return [(_pointer(each["loc"]), _sentence(each)) for each in found]


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
    if asked.max_part_bytes is not None and asked.manifest:
        yield "/max_part_bytes", "cannot be combined with `manifest`: a manifest is of one archive"
    if asked.webhook_url is not None:
        if not bounds.job_webhooks:
            yield "/webhook_url", "this server does not let a job name its own webhook"
        elif (fault := _fault_of(asked.webhook_url, rules, bounds)) is not None:
            yield "/webhook_url", fault


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


def _not_json(reason: str) -> Problem:
    return Problem(400, ProblemCode.NOT_JSON, f"The body is not valid JSON: {reason}.")


def _invalid(errors: list[Fault], summary: str) -> Problem:
    listed = [{"pointer": pointer, "detail": detail} for pointer, detail in errors]
    return Problem(422, ProblemCode.INVALID, summary, errors=listed)


def _refused(pointer: str, detail: str) -> Problem:
    """Return the problem of one error that ends the validation."""
    errors = [(pointer, detail)]
    return _invalid(errors, _summary(errors, 0))


def _summary(errors: list[Fault], links: int) -> str:
    """Say in a sentence what is wrong with a request of so many links."""
    if len(errors) == 1:
        pointer, detail = errors[0]
        return f"{pointer or 'The body'}: {detail}."
    if len(errors) >= MAX_ERRORS:
        return f"The request has {MAX_ERRORS} errors or more; `errors` lists the first ones."
    places = {_place(pointer) for pointer, _ in errors}
    if all(name == "urls" and number >= 0 for name, number in places):
        return f"{len(places)} of {links} links are invalid; `errors` lists them."
    return f"The request has {len(errors)} errors; `errors` lists them."


def _pointer(location: tuple[int | str, ...]) -> str:
    """Return where an error is, as a JSON pointer. RFC 6901 3."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _sentence(error: ErrorDetails) -> str:
    kind = error["type"]
    plain = _HEXADECIMAL.get(error["loc"][-1]) if kind == _MISMATCH else None
    plain = plain or _PLAIN.get(kind)
    if plain is not None:
        return plain
    message = error["msg"]
    for start, instead in (("Input should", "must"), ("String should", "must")):
        if message.startswith(start):
            return instead + message.removeprefix(start)
    return message
