"""Which of a response's content codings to undo, judged by name, claim and first bytes.

Owns the judgement, pure. Leaves the undoing to `sinks/decoded.py`, splitting the field's value to
`outbound/head.py`. The rules: RFC 9110 8.4 (codings are listed in the order in which they were
applied), RFC 1952 2.3.1 (gzip), RFC 1950 2.2 (zlib), RFC 8878 3.1.1 (zstd).

A Content-Encoding is a claim, and often a wrong one (docs/decisions/0041-content-codings.md):

    the claim                            what is stored
    not a registered coding              the bytes as they came
    gzip, zstd or compress, and the      the bytes as they came
      bytes do not begin like that
    gzip for `x.tar.gz`                  the bytes as they came, unless gzip is in gzip
    gzip or deflate                      the decoded bytes
    br, zstd or compress                 nothing: the file fails
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, cast

from zlib_ng import zlib_ng

from packmule.assembly.names.url_names import is_known_extension

if TYPE_CHECKING:
    from collections.abc import Sequence

PEEK_BYTES: Final = 1024
"""Bytes of a body that are enough to judge it: a gzip header and the first block's tables."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_DEFLATE: Final = "deflate"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZLIB_HEAD_BYTES, _ZLIB_METHOD, _ZLIB_CHECK = 2, 8, 31
# Registered codings that no library of ours undoes, each with how such a body begins.
_UNSUPPORTED: Final = {
    "br": b"",
    "dcb": b"\xff\x44\x43\x42",
    "dcz": b"\x5e\x2a\x4d\x18",
    "zstd": b"\x28\xb5\x2f\xfd",
    "compress": b"\x1f\x9d",
    "x-compress": b"\x1f\x9d",
}
_GZIP_EXTENSIONS: Final = frozenset(
    {
        "gz", "gzip", "tgz", "taz", "svgz", "emz", "wmz", "vgz", "vgmz", "cpgz", "mgz", "adz",
        # Formats that are gzip inside, under a name that does not say so.
        "bam", "bcf", "bgz", "crate", "csi", "rda", "rdata", "rds", "tbi", "unitypackage",
    }
)  # fmt: skip
_EXTENSIONS: Final = {
    "br": frozenset({"br"}),
    "zstd": frozenset({"zst", "zstd", "tzst"}),
    "compress": frozenset({"z", "taz"}),
    "x-compress": frozenset({"z", "taz"}),
}
_GZIP_TYPES: Final = frozenset(
    "application/" + name
    for name in (
        "gzip", "x-gzip", "x-gunzip", "gzipped", "gzip-compressed", "x-gzip-compressed", "tar+gzip",
        "x-tgz", "x-compressed-tar", "x-gtar-compressed",
    )
)  # fmt: skip

_ZlibError = cast("type[Exception]", zlib_ng.error)  # its stub says otherwise


class Wrapper(Enum):
    """A format of compressed bytes; the value is zlib's `wbits` for it."""

    GZIP = 31
    ZLIB = 15
    RAW_DEFLATE = -15


class CodingUnsupportedError(ValueError):
    """The body has a coding that cannot be undone; `coding` is its name."""

    def __init__(self, coding: str) -> None:
        super().__init__(coding)
        self.coding = coding


def wrappers_to_undo(
    codings: Sequence[str], name: str, content_type: str | None, first: bytes
) -> tuple[Wrapper, ...]:
    """Return the wrappers to remove from a body, outermost first; none to keep it as it is.

    `codings` are in the order in which they were applied, `name` is the entry's, `content_type` is
    in lower case, without parameters. `first` is the body's beginning: `PEEK_BYTES`, or all of it.
    Raises CodingUnsupportedError.
    """
    wrappers: list[Wrapper] = []
    for coding in reversed(codings):
        wrapper = None
        if coding in _UNSUPPORTED:
            if _is_carried(coding, name, content_type):
                break
            if first.startswith(_UNSUPPORTED[coding]):
                raise CodingUnsupportedError(coding)
        elif coding in _GZIP or coding == _DEFLATE:
            wrapper = _wrapper(coding, first)
        if wrapper is None:
            continue
        inner = _peek(wrapper, first) or b""
        if _is_carried(coding, name, content_type) and not inner.startswith(_GZIP_MAGIC):
            break
        wrappers.append(wrapper)
        first = inner
    return tuple(wrappers)


def may_be_coded(codings: Sequence[str]) -> bool:
    """Return whether any of these is a coding, so that the body's first bytes are to be judged."""
    return any(
        coding in _GZIP or coding == _DEFLATE or coding in _UNSUPPORTED for coding in codings
    )


def _is_carried(coding: str, name: str, content_type: str | None) -> bool:
    """Return whether the file itself has that coding: whoever opens it expects it there."""
    extension = name.rpartition(".")[2].lower()
    if coding in _GZIP:
        if extension in _GZIP_EXTENSIONS:
            return True
        # A type that is announced twice says less than a name of another kind.
        return content_type in _GZIP_TYPES and not is_known_extension(f".{extension}")
    return extension in _EXTENSIONS.get(coding, ())


def _wrapper(coding: str, first: bytes) -> Wrapper | None:
    """Return the format of the bytes that a coding claims; None if they do not have it."""
    if first.startswith(_GZIP_MAGIC):
        return Wrapper.GZIP
    if coding != _DEFLATE:
        return None
    # `deflate` means zlib's wrapper, but some origins send it bare (RFC 9110 8.4.1.2).
    is_zlib = (
        len(first) >= _ZLIB_HEAD_BYTES
        and first[0] & 15 == _ZLIB_METHOD
        and int.from_bytes(first[:_ZLIB_HEAD_BYTES], "big") % _ZLIB_CHECK == 0
    )
    if is_zlib and _peek(Wrapper.ZLIB, first) is not None:
        return Wrapper.ZLIB
    return Wrapper.RAW_DEFLATE if first and _peek(Wrapper.RAW_DEFLATE, first) is not None else None


def _peek(wrapper: Wrapper, first: bytes) -> bytes | None:
    """Decode the beginning of a body; None if it is damaged."""
    inflater = zlib_ng.decompressobj(wrapper.value)
    try:
        inner = bytes(inflater.decompress(first, PEEK_BYTES))
    except _ZlibError:
        return None
    # What is bare has no header to know it by, so something must have come of it.
    is_there = wrapper is not Wrapper.RAW_DEFLATE or inner or inflater.eof
    return inner if is_there else None
