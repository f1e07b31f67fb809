"""Which entries are worth deflating, and what deflate makes of them.

Owns the choice, by what is asked for, by media type and extension, and by a trial; and the level.
Leaves threads and joining to `deflated`. Pure. The figures behind it are in
docs/decisions/0007-deflate.md.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from isal import isal_zlib
from zlib_ng import zlib_ng

from packmule.jobs.model import Compression

# At most 4 % longer than zip's level 6, on text of every kind, at more than three times its speed.
LEVEL: Final = 4
# A chunk is deflated by itself, knowing the end of the one before: as many threads as there are can
# work on one body, and its bytes do not depend on how it came.
CHUNK_BYTES: Final = 256 * 1024
WINDOW_BYTES: Final = 32 * 1024
TRIAL_BYTES: Final = 64 * 1024
LEAST_BYTES: Final = 64  # below it nothing gains

_RAW: Final = -15  # deflate without a wrapper, as ZIP has it
_MEMORY: Final = 8
_TRIAL_LEVEL: Final = 1
_STORE_LEVEL: Final = 0
_WORTH: Final = 0.9
# Random bytes have 221 different values among 512, give or take 5; of what shrinks, hardly any has.
_GLANCE_BYTES: Final = 512
_GLANCE_VALUES: Final = 200
_GLANCE_ENOUGH: Final = 4 * 1024  # beyond it a trial costs less than to be wrong

# Compressed by nature. What is in neither table is tried.
_STORED_KINDS: Final = frozenset({"audio", "video"})
_TRIED_TYPES: Final = frozenset(
    {"audio/midi", "audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/aiff"}
    | {"audio/x-aiff", "audio/basic", "audio/l16"}
)
_STORED_TYPES: Final = frozenset(
    "image/" + name
    for name in ("jpeg", "jpg", "png", "gif", "webp", "avif", "heic", "heif", "jp2", "jxl", "apng")
) | frozenset(
    "application/" + name
    for name in (
        "zip", "x-zip-compressed", "gzip", "x-gzip", "x-gunzip", "x-gtar-compressed", "zstd",
        "x-bzip", "x-bzip2", "x-xz", "x-lzma", "x-lzip", "x-lz4", "x-7z-compressed", "x-compress",
        "vnd.rar", "x-rar-compressed", "x-rar", "java-archive", "vnd.android.package-archive",
        "epub+zip", "x-apple-diskimage", "vnd.debian.binary-package", "x-rpm", "ogg", "mp4",
        "font-woff", "x-font-woff", "vnd.ms-cab-compressed", "x-chrome-extension",
    )
) | frozenset({"font/woff", "font/woff2"})  # fmt: skip
_OFFICE: Final = (
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
)
_STORED_EXTENSIONS: Final = frozenset(
    {
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "avif", "heic", "heif",
        "jp2", "jxl", "cr2", "nef", "arw", "dng", "mp4", "m4v", "m4a", "mov", "mkv", "webm",
        "avi", "wmv", "flv", "mpg", "mpeg", "3gp", "m2ts", "vob", "ogv", "svgz", "mp3", "aac",
        "ogg", "oga", "opus", "flac", "wma", "ape", "zip", "gz", "tgz", "bz2", "tbz", "tbz2",
        "xz", "txz", "lzma", "lz", "lz4", "zst", "tzst", "br", "7z", "rar", "cab", "z", "jar",
        "war", "apk", "aab", "ipa", "xpi", "crx", "whl", "egg", "nupkg", "deb", "rpm", "dmg",
        "msi", "snap", "appimage", "docx", "xlsx", "pptx", "odt", "ods", "odp", "odg", "epub",
        "cbz", "cbr", "kmz", "sketch", "woff", "woff2", "parquet", "orc", "npz",
    }
)  # fmt: skip


def may_gain(wanted: Compression, content_type: str | None, name: str) -> bool:
    """Return whether a body is to be tried; `content_type` is in lower case, without parameters."""
    if wanted is not Compression.AUTO:
        return wanted is Compression.DEFLATE
    _, dot, extension = name.rpartition(".")
    return _may_gain(content_type, extension if dot else "")


@lru_cache(maxsize=1024)
def _may_gain(content_type: str | None, extension: str) -> bool:
    if extension.lower() in _STORED_EXTENSIONS:
        return False
    if content_type is None or content_type in _TRIED_TYPES:
        return True
    return (
        content_type not in _STORED_TYPES
        and content_type.partition("/")[0] not in _STORED_KINDS
        and not content_type.startswith(_OFFICE)
    )


def is_worth_it(wanted: Compression, before: int, after: int) -> bool:
    """Return whether so many bytes fewer are worth a reader's time."""
    return after < before * (_WORTH if wanted is Compression.AUTO else 1)


def gains(wanted: Compression, sample: bytes) -> bool:
    """Try a body's beginning, in a fraction of a millisecond."""
    tried = sample[:TRIAL_BYTES]
    after = isal_zlib.compress(tried, _TRIAL_LEVEL, _RAW)
    return is_worth_it(wanted, len(tried), len(after))


def looks_random(wanted: Compression, body: bytes) -> bool:
    """Return in some microseconds whether a small body is left as it is without trying all of it.

    A trial that does not gain takes as long as deflating a body of a few KiB, so such a one gets
    only a glance. What is always to be deflated is always tried.
    """
    return (
        wanted is Compression.AUTO
        and len(body) >= _GLANCE_BYTES
        and len(set(body[:_GLANCE_BYTES])) >= _GLANCE_VALUES
        and not (len(body) > _GLANCE_ENOUGH and gains(wanted, body))
    )


def deflate(body: bytes) -> bytes:
    """Deflate a whole small body."""
    return zlib_ng.compress(body, LEVEL, _RAW)


def deflate_chunk(chunk: bytes, before: bytes, *, last: bool) -> bytes:
    """Deflate one chunk so that it can be joined to the others.

    `before` is the end of the chunk before, empty for the first. All but the last end in a full
    flush, so on a byte's boundary (RFC 1951 3.2.4). What does not shrink is kept in stored blocks.
    """
    if gains(Compression.DEFLATE, chunk[:WINDOW_BYTES]) or gains(
        Compression.DEFLATE, chunk[-WINDOW_BYTES:]
    ):
        made = _chunk(LEVEL, chunk, before, last=last)
        if len(made) < len(chunk):
            return made
    return _chunk(_STORE_LEVEL, chunk, b"", last=last)


def _chunk(level: int, chunk: bytes, before: bytes, *, last: bool) -> bytes:
    encoder = zlib_ng.compressobj(
        level, zlib_ng.DEFLATED, _RAW, _MEMORY, zlib_ng.Z_DEFAULT_STRATEGY, before
    )
    body = encoder.compress(chunk)
    return body + encoder.flush(zlib_ng.Z_FINISH if last else zlib_ng.Z_FULL_FLUSH)
