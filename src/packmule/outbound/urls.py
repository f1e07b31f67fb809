"""The project's only URL parser: one strict reading, which is also what we connect to.

Owns parsing a link and a redirect's Location, and refusing a URL by the address rules before any
lookup. Leaves the host's form to `hosts.py`, addresses and ports to `addresses.py`, and DNS to
`resolver.py`. Pure.

        https://user@example.com:443/a/b.png?x=1#top
        scheme  |    host        |  target       dropped
                refused          default: left out of `text`

Follows RFC 3986, with http and https as in RFC 9110 4.2. Where parsers are known to disagree
(backslashes, blanks, user info, numbers as hosts) the URL is refused. In path and query only what a
request line cannot hold is percent-encoded, as browsers do (WHATWG URL 1.3). Existing escapes and
dot segments are never touched: a signed URL must arrive as signed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from packmule.errors import FailureCode
from packmule.outbound.hosts import HostInvalid, is_metadata_name, is_private_name, read_host

if TYPE_CHECKING:
    from packmule.outbound.addresses import AddressRules

MAX_URL_LENGTH = 8192  # characters, before and after encoding; RFC 9110 4.1 asks for 8000 at least
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535

# The plainly good form, which nearly every link has: nothing in its target needs encoding.
_PLAIN = re.compile(
    r"(https?://[a-zA-Z0-9.:\[\]_-]{1,270})"
    r"(/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?|\[\]]++|%[0-9A-Fa-f]{2})*+)"
)
_PARTS = re.compile(r"([a-zA-Z]+)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.DOTALL)
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::(.*))?", re.DOTALL)
_PORT = re.compile(r"0{0,10}[1-9][0-9]{0,4}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_RAW_BYTE = re.compile(r"[\udc80-\udcff]")  # what `surrogateescape` makes of a byte, PEP 383
_STRAY_PERCENT = r"%(?![0-9A-Fa-f]{2})"
_TO_ENCODE_IN_PATH = re.compile(rf'[ "<>^`{{}}]|[^\x00-\x7f]+|{_STRAY_PERCENT}')
_TO_ENCODE_IN_QUERY = re.compile(rf'[ "<>]|[^\x00-\x7f]+|{_STRAY_PERCENT}')


class UrlInvalid(ValueError):
    """The text is not a link that can be fetched; `detail` says why, without the URL."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Url(NamedTuple):
    """An absolute http or https URL that can be read in only one way.

    `host` is lower-case ASCII, IPv6 without brackets; `port` is the explicit or the default one;
    `target` is path and query as they go into the request line; `text` is the whole URL for
    libcurl, without fragment, user info or default port. Set PATH_AS_IS, and `target` as
    REQUEST_TARGET, or libcurl writes the path's escapes in upper case. `origin` is the first three
    fields (RFC 6454 4). (A tuple, because one is made for every file.)
    """

    scheme: str
    host: str
    port: int
    target: str
    is_address: bool
    text: str
    origin: tuple[str, str, int]

    @property
    def label(self) -> str:
        """The URL without its query, which may contain a secret: for logs and errors."""
        return self.text.partition("?")[0]

    def __repr__(self) -> str:
        return f"<Url {self.label}>"


class _Site(NamedTuple):
    """Everything before the path, parsed once for a host's many files; `text` is normalized."""

    scheme: str
    host: str
    port: int
    is_address: bool
    text: str
    origin: tuple[str, str, int]


def parse(text: str, *, max_length: int = MAX_URL_LENGTH) -> Url:
    """Parse an absolute URL. Raises UrlInvalid for anything that is not plainly one."""
    if len(text) > max_length:
        raise UrlInvalid(f"the link is longer than {max_length} characters")
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        front, target = plain.groups()
    else:
        front, target = _take_apart(text)
    scheme, host, port, is_address, start, origin = _site(front)
    whole = start + target
    if len(whole) > max_length:
        raise UrlInvalid(f"the link is longer than {max_length} characters once it is encoded")
    return Url(scheme, host, port, target, is_address, whole, origin)


def join(base: Url, location: str, *, max_length: int = MAX_URL_LENGTH) -> Url:
    """Resolve a redirect's Location against the URL that was requested. Raises UrlInvalid.

    See RFC 9110 10.2.2 and RFC 3986 5.2; the result goes through `parse` like any link. Decode the
    header with `utf-8` and `surrogateescape`: bytes that are not UTF-8 are sent back as they came.
    """
    location = _RAW_BYTE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", location)
    if _SCHEME.match(location):
        return parse(location, max_length=max_length)
    if location.startswith("//"):
        return parse(f"{base.scheme}:{location}", max_length=max_length)
    path, mark, query = location.partition("#")[0].partition("?")
    old_path, old_mark, old_query = base.target.partition("?")
    if path.startswith("/"):
        path = _without_dot_segments(path)
    elif path:
        path = _without_dot_segments(f"{old_path.rpartition('/')[0]}/{path}")
    else:
        path = old_path
        if not mark:
            mark, query = old_mark, old_query
    site = base.text.removesuffix(base.target)
    return parse(f"{site}{path}{mark}{query}", max_length=max_length)


def refusal(url: Url, rules: AddressRules) -> tuple[FailureCode, str] | None:
    """Return why a URL may not be fetched, as far as that is known before DNS; None if it may.

    Then look the name up, and check the answer against the rules, and each connection as well.
    Names that are private by definition are refused while nothing private is allowed; with
    `allow_networks` set, their addresses decide.
    """
    if not rules.permits_port(url.port):
        return (
            FailureCode.ADDRESS_NOT_ALLOWED,
            f"port {url.port} is not allowed: links are fetched from web server ports only",
        )
    if url.is_address:
        refused = not rules.permits(url.host)
    else:
        refused = (
            url.host in rules.own_hosts
            or is_metadata_name(url.host)
            or (is_private_name(url.host) and not rules.allow_networks)
        )
    return address_refused(url.host) if refused else None


class Refusals:
    """What `refusal` says by these rules, found once for the many URLs of a host and port."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._known: dict[tuple[str, int], tuple[FailureCode, str] | None] = {}

    def of(self, url: Url) -> tuple[FailureCode, str] | None:
        """Return why a URL may not be fetched, as far as that is known before DNS, or None."""
        site = (url.host, url.port)
        if site not in self._known:
            self._known[site] = refusal(url, self._rules)
        return self._known[site]


def address_refused(host: str) -> tuple[FailureCode, str]:
    """Return the refusal of a host: the same words whatever its address, which is never named."""
    return (
        FailureCode.ADDRESS_NOT_ALLOWED,
        f"{host} is not on the public internet: use a link that anyone can open",
    )


@lru_cache(maxsize=4096)
def _site(front: str) -> _Site:
    """Parse scheme, host and port, as in `https://example.com:8443`."""
    scheme, _, authority = front.partition("://")
    scheme = scheme.lower()
    if "@" in authority:
        raise UrlInvalid(
            "links with a user name or password are not accepted: remove everything up to the @"
        )
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise UrlInvalid(
            "the host and port are not valid: write them as host:port or [address]:port"
        )
    try:
        host, is_address = read_host(found[1])
    except HostInvalid as error:
        raise UrlInvalid(error.detail) from error
    port = _port(found[2], scheme)
    text = f"{scheme}://{f'[{host}]' if ':' in host else host}"
    if port != _DEFAULT_PORTS[scheme]:
        text = f"{text}:{port}"
    return _Site(scheme, host, port, is_address, text, (scheme, host, port))


def _port(text: str | None, scheme: str) -> int:
    if not text:  # `host:` means the default as well (RFC 3986 3.2.3)
        return _DEFAULT_PORTS[scheme]
    if not _PORT.fullmatch(text) or int(text) > _LAST_PORT:
        raise UrlInvalid(f"the port is not valid: use 1 to {_LAST_PORT}")
    return int(text)


def _take_apart(text: str) -> tuple[str, str]:
    """Split any link into the part before its path, not yet parsed, and its encoded target."""
    _refuse_what_parsers_read_differently(text)
    parts = _PARTS.fullmatch(text)
    if parts is None or parts[1].lower() not in _DEFAULT_PORTS:
        raise UrlInvalid(_why_no_scheme(text))
    path = _TO_ENCODE_IN_PATH.sub(_encode, parts[3] or "/")
    query = _TO_ENCODE_IN_QUERY.sub(_encode, parts[4] or "")
    return f"{parts[1]}://{parts[2]}", path + query


def _refuse_what_parsers_read_differently(text: str) -> None:
    if not text:
        raise UrlInvalid("the link is empty")
    if text != text.strip():
        raise UrlInvalid("the link begins or ends with a space or a line break: remove it")
    if _CONTROL.search(text):
        raise UrlInvalid("the link contains a control character such as a tab or a line break")
    if "\\" in text:
        raise UrlInvalid("the link contains a backslash: use / or, inside a name, %5C")
    if _SURROGATE.search(text):
        raise UrlInvalid("the link contains an invalid character (a lone surrogate)")


def _why_no_scheme(text: str) -> str:
    found = _SCHEME.match(text)
    if found is None:
        return "the link must begin with http:// or https://"
    if found[1].lower() in _DEFAULT_PORTS:
        return "http: or https: must be followed by two slashes and a host"
    return "only http:// and https:// links can be fetched"


def _encode(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _without_dot_segments(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986 5.2.4) in a path that begins with a slash."""
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
