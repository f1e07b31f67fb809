"""Parse the host of a URL in one strict form, or refuse it.

Owns what a host may look like and which names are private by definition. Leaves the rest of the URL
to `urls.py` and the decision on addresses to `addresses.py`. Pure.

Follows RFC 3986 3.2.2, so narrowly that no other parser can read a host differently: an IPv4
address has four plain decimal numbers, a name does not end in a number (WHATWG URL 3.4, "ends in a
number checker"), labels are letters, digits, hyphens and underscores, a hyphen at either end
included, as browsers and resolvers take them (RFC 1123 2.1 would not), and a name beyond ASCII must
be written as IDNA would write it (RFC 5891, UTS 46): whatever IDNA would map (fullwidth digits,
enclosed letters, invisible characters, foreign dots) is a disguise. Emoji, which IDNA 2008 no
longer has and UTS 46 still does, are taken.
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address

_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]")
_SYMBOLS = frozenset({"So", "Sk"})  # emoji and skin tones
_ACE = "xn--"  # marks a label that is punycode, RFC 5890 2.3.2.1
_MOST_LETTERS = 253  # of a name, without its last dot, RFC 1035 3.1
_MOST_LABELS = _MOST_LETTERS // 2 + 1  # of a letter and a dot each
_MOST_OF_A_LABEL = 63  # RFC 1035 2.3.4
_MOST_PER_LETTER = 4  # code points that compose to one character, at most

# Names that lead inside wherever they are looked up: RFC 6761, 6762, 8375, and long habit.
_PRIVATE_SUFFIXES = (
    ".localhost",
    ".local",
    ".localdomain",
    ".internal",
    ".home.arpa",
)
# Metadata services by name; the last two have had public addresses, so no address rule sees them.
_METADATA_NAMES = frozenset(
    {
        "instance-data",
        "metadata.google.internal",
        "metadata.tencentyun.com",
        "metadata.packet.net",
        "metadata.platformequinix.com",
    }
)

_TOO_LONG = f"the host is longer than {_MOST_LETTERS} characters"
_PART_TOO_LONG = f"the host has a part longer than {_MOST_OF_A_LABEL} characters"
_DISGUISED = (
    "the host contains look-alike, invisible or other characters that domain names cannot have: "
    "use plain letters and digits"
)


class HostInvalid(ValueError):
    """The host could be read in more than one way; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def read_host(text: str) -> tuple[str, bool]:
    """Parse a URL's host; return it normalized, and whether it is an IP address.

    A name becomes lower-case ASCII without a trailing dot, an IPv6 address loses its brackets.
    Raises HostInvalid.
    """
    if not text:
        raise HostInvalid("the link has no host: write it as https://host/path")
    if text[0] == "[":
        return _ipv6(text), True
    name = _name(text.removesuffix("."))
    if not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return name, False
    if text.endswith("."):
        raise HostInvalid("an IP address cannot end with a dot: remove it")
    return _ipv4(name), True


def is_private_name(host: str) -> bool:
    """Return whether a name is private by definition: it has no dot, or a private suffix."""
    return "." not in host or host.endswith(_PRIVATE_SUFFIXES)


def is_metadata_name(host: str) -> bool:
    """Return whether a name is that of a cloud's metadata service."""
    return host in _METADATA_NAMES


def _ipv6(text: str) -> str:
    if "%" in text:
        raise HostInvalid(
            "an address with a zone (%) is on the local network: it cannot be fetched"
        )
    if not _IPV6.fullmatch(text.lower()):
        raise HostInvalid("the brackets do not contain an IPv6 address such as [2001:db8::1]")
    try:
        return str(IPv6Address(text[1:-1]))
    except ValueError as error:
        raise HostInvalid("the IPv6 address is not valid") from error


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise HostInvalid(
            "a host that ends in a number must be an IPv4 address of four decimal numbers, "
            "such as 192.0.2.1"
        ) from error


def _name(text: str) -> str:
    """Return the name with each label checked, and those beyond ASCII in punycode."""
    labels = text.split(".")
    if len(labels) > _MOST_LABELS:  # each may take long to encode
        raise HostInvalid(_TOO_LONG)
    name = ".".join(map(_label, labels))
    if len(name) > _MOST_LETTERS:
        raise HostInvalid(_TOO_LONG)
    return name


def _label(text: str) -> str:
    text = text.lower() if text.isascii() else _to_ascii(text)
    if not _LABEL.fullmatch(text):
        raise HostInvalid(_what_is_wrong(text))
    if text.startswith(_ACE):
        _check_punycode(text.removeprefix(_ACE))
    return text


def _to_ascii(text: str) -> str:
    """Return a label beyond ASCII in punycode; only its case and composition may change.

    IDNA 2008 has no character that would be mapped to another (RFC 5892 2.2, "unstable"), so
    look-alikes of ASCII letters and digits are refused, and so is what cannot be seen.
    """
    import idna  # noqa: PLC0415  # its tables cost 10 ms, and few hosts need them

    # Composing, and encoding as punycode, take time by the square of the length.
    if len(text) > _MOST_OF_A_LABEL * _MOST_PER_LETTER:
        raise HostInvalid(_PART_TOO_LONG)
    plain = unicodedata.normalize("NFC", text).lower()
    try:
        name = idna.alabel(plain).decode("ascii")
    except UnicodeError as error:  # idna.IDNAError is one
        if (symbols := _emoji_label(plain)) is not None:
            return symbols
        raise HostInvalid(_DISGUISED) from error
    if not name.startswith(_ACE):  # composed, the Kelvin sign is a plain k
        raise HostInvalid(_DISGUISED)
    return name


def _emoji_label(text: str) -> str | None:
    """Return a label of emoji and ASCII in punycode; None where UTS 46 would map it.

    The selector that asks for a coloured picture (U+FE0F) is dropped, as browsers do.
    """
    import idna  # noqa: PLC0415  # as above

    text = text.replace("\ufe0f", "")
    beyond = [character for character in text if not character.isascii()]
    if not beyond or any(unicodedata.category(each) not in _SYMBOLS for each in beyond):
        return None
    try:
        if idna.uts46_remap(text, std3_rules=False, transitional=False) != text:
            return None
    except UnicodeError:
        return None
    return _ACE + text.encode("punycode").decode("ascii")


def _check_punycode(text: str) -> None:
    """Refuse an xn-- label that cannot be decoded, or that UTS 46 would map to another name."""
    import idna  # noqa: PLC0415  # as above

    try:
        label = text.encode("ascii").decode("punycode")
        mapped = idna.uts46_remap(label, std3_rules=False, transitional=False)
        if mapped == label and not label.isascii():
            return
    except (ValueError, OverflowError) as error:  # UnicodeError is a ValueError
        raise HostInvalid("the host has an xn-- part that cannot be decoded") from error
    raise HostInvalid("the host has an xn-- part that is not a valid domain")


def _what_is_wrong(label: str) -> str:
    if not label:
        return "the host has two dots in a row, or begins with one"
    if "%" in label:
        return "the host contains a %: write its characters unencoded"
    if re.search(r"\s", label):
        return "the host contains a space: remove it"
    if len(label) > _MOST_OF_A_LABEL:
        return _PART_TOO_LONG
    return "the host contains characters other than letters, digits, hyphens and dots"
