"""The listing of a public bucket: where to ask for it, and reading its pages.

Owns the forms of a bucket's address and the XML of ListObjectsV2, which S3, Google Cloud Storage
and most other stores speak, without a signature. Leaves requests to `document.py`. Pure.

    s3://bucket/prefix                          https://bucket.s3.amazonaws.com/?list-type=2&…
    gs://bucket/prefix                          https://storage.googleapis.com/bucket?list-type=2&…
    https://bucket.s3.REGION.amazonaws.com/…    the same host
    https://HOST/bucket/prefix                  https://HOST/bucket?list-type=2&…
    https://bucket.HOST/?prefix=…               the same host: the whole URL is the listing's

Law: Amazon S3 API Reference, ListObjectsV2 and ListObjects; Cloud Storage XML API. The XML is a
stranger's: expat reads it, and a document type, the door to entities, is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, quote, unquote, unquote_plus, urlencode, urlsplit
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,221}")
_VIRTUAL_HOST = re.compile(
    r"[a-z0-9][a-z0-9.-]*\.(?:s3[a-z0-9.-]*\.amazonaws\.com(?:\.cn)?|storage\.googleapis\.com)"
)
_SIZE = re.compile(r"[0-9]{1,18}")
_LISTING_FIELDS = frozenset({"prefix", "list-type"})
_FORMS = "use a form like s3://bucket/prefix, gs://bucket/prefix or https://host/bucket/prefix"


class PlaceInvalid(ValueError):
    """The text is not the address of a bucket; the message says why."""


class ListingInvalid(ValueError):
    """The response is not the listing of a bucket; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicBucket:
    """A bucket and a prefix in it. `root` is the URL of the bucket, without a slash at its end."""

    root: str
    prefix: str

    def page_url(self, after: Cursor | None = None) -> str:
        """Return the URL of a page of the listing, by default of the first."""
        asked = {"list-type": "2", "prefix": self.prefix, "encoding-type": "url"}
        if after is not None:
            asked |= after.fields
        return f"{self.root}/?{urlencode(asked, quote_via=quote)}"

    def object_url(self, key: str) -> str:
        """Return the link to an object."""
        return f"{self.root}/{quote(key, safe='/~')}"

    def name_of(self, key: str) -> str:
        """Return an object's name in an archive: its key below the folder that the prefix names."""
        return key.removeprefix(self.prefix[: self.prefix.rfind("/") + 1])


class Listed(NamedTuple):
    """An object in a bucket; `size` in bytes."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: the fields that ask for it."""

    fields: dict[str, str]


class ListingPage(NamedTuple):
    """One page of a listing; `after` is where the next one begins, None behind the last."""

    objects: tuple[Listed, ...]
    after: Cursor | None


def parse_place(text: str) -> PublicBucket:
    """Parse the address of a bucket. Raises PlaceInvalid."""
    scheme, mark, rest = text.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in {"s3", "gs", "http", "https"}:
        raise PlaceInvalid(f"it is not the address of a bucket: {_FORMS}")
    if scheme in {"s3", "gs"}:
        bucket, _, prefix = rest.partition("/")
        _check_bucket(bucket)
        if scheme == "gs":
            return PublicBucket(f"https://storage.googleapis.com/{bucket}", prefix)
        if "." in bucket:  # it does not fit the certificate for all buckets
            return PublicBucket(f"https://s3.amazonaws.com/{bucket}", prefix)
        return PublicBucket(f"https://{bucket}.s3.amazonaws.com", prefix)
    return _of_url(scheme, text)


def _of_url(scheme: str, text: str) -> PublicBucket:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise PlaceInvalid(f"it is not a valid URL: {_FORMS}") from error
    origin = f"{scheme}://{parts.netloc}"
    asked = parse_qs(parts.query, keep_blank_values=True)
    if _LISTING_FIELDS & asked.keys():
        return PublicBucket(origin + parts.path.rstrip("/"), asked.get("prefix", [""])[-1])
    if parts.query:
        raise PlaceInvalid("it has a query that is not a listing's: leave it out, or use ?prefix=")
    if _VIRTUAL_HOST.fullmatch(host):
        return PublicBucket(origin, unquote(parts.path.removeprefix("/")))
    bucket, _, prefix = parts.path.removeprefix("/").partition("/")
    _check_bucket(bucket)
    return PublicBucket(f"{origin}/{bucket}", unquote(prefix))


def _check_bucket(name: str) -> None:
    if not _BUCKET.fullmatch(name):
        raise PlaceInvalid(f"it names no valid bucket: {_FORMS}")


def read_page(body: bytes) -> ListingPage:
    """Read a page of a listing. Raises ListingInvalid."""
    found = _Fields()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ListingInvalid) as error:
        raise ListingInvalid(
            "the response is not the listing of a bucket: is this an S3-style store?"
        ) from error
    if found.root != "ListBucketResult":
        raise ListingInvalid(f"the response is not the listing of a bucket but {found.root!r}")
    objects = tuple(found.objects())
    return ListingPage(objects, found.after(objects))


def _refuse_doctype(*_: object) -> None:
    raise ListingInvalid("it has a document type")


@dataclass(slots=True)
class _Fields:
    """Collects the few fields of a listing that matter, by their path in the document."""

    root: str = ""
    _path: list[str] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _head: dict[str, str] = field(default_factory=dict)
    _contents: list[dict[str, str]] = field(default_factory=list)

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """Enter an element."""
        name = name.rpartition(":")[2]
        self._path.append(name)
        self._text.clear()
        self.root = self.root or name
        if self._path[1:] == ["Contents"]:
            self._contents.append({})

    def text(self, text: str) -> None:
        """Collect text."""
        self._text.append(text)

    def end(self, _name: str) -> None:
        """Leave an element, and keep its text if it is a field's."""
        match self._path[1:]:
            case [name]:
                self._head[name] = "".join(self._text)
            case ["Contents", name]:
                self._contents[-1][name] = "".join(self._text)
        self._text.clear()
        self._path.pop()

    def objects(self) -> Iterator[Listed]:
        """Yield the objects. Raises ListingInvalid."""
        for each in self._contents:
            size = each.get("Size", "")
            if "Key" not in each or not _SIZE.fullmatch(size):
                raise ListingInvalid("the listing has an object without a key or size")
            yield Listed(self._decoded(each["Key"]), int(size))

    def after(self, objects: tuple[Listed, ...]) -> Cursor | None:
        """Return where the next page begins. Raises ListingInvalid."""
        if self._head.get("IsTruncated", "").strip().lower() != "true":
            return None
        if token := self._head.get("NextContinuationToken"):
            return Cursor({"continuation-token": token})
        # A store that knows the first version of the operation only.
        marker = self._decoded(self._head.get("NextMarker", ""))
        if not marker and objects:
            marker = objects[-1].key
        if not marker:
            raise ListingInvalid("the listing is cut short and does not say how it goes on")
        return Cursor({"marker": marker, "start-after": marker})

    def _decoded(self, text: str) -> str:
        return unquote_plus(text) if self._head.get("EncodingType") == "url" else text
