"""Bodies that an origin wraps in a Content-Encoding, although none was asked for: unwrapped.

Owns the codings, the bounds on what may come out, and how a pause in the middle of a piece is told
from bytes taken. Leaves where the unwrapped bytes go to another body. Runs in the transfer loop's
thread, and gives it back after at most a MiB at a time.
Law: RFC 9110 8.4 (codings), RFC 1952 2.2 (gzip: members one after another), RFC 1950, RFC 1951.

`deflate` means zlib's wrapper, but some origins send it bare (RFC 9110 8.4.1.2): the first two
bytes tell. Others (`br`, `zstd`, `compress`) are refused: docs/decisions/0007-deflate.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from zlib_ng import zlib_ng

from packmule.errors import Failure, FailureCode
from packmule.foreign_text import clipped
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packmule.assembly.disk.blocks import Pool
    from packmule.assembly.sinks.protocol import Sink
    from packmule.outbound.head import Head

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_DEFLATE: Final = "deflate"
# A type that says gzip itself does not say it again (RFC 9110 8.4.1): the file is the wrapped one,
# as browsers take it.
_GZIP_TYPES: Final = frozenset({"application/gzip", "application/x-gzip", "application/x-gunzip"})

_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15
_ZLIB_HEAD_BYTES: Final = 2
_ZLIB_METHOD: Final = 8
_ZLIB_CHECK: Final = 31

STEP_BYTES: Final = 64 * 1024
_AT_ONCE_BYTES: Final = 1024 * 1024
_STATE_BYTES: Final = 64 * 1024  # what a decoder and its window take
# Up to here a body may grow as it likes; beyond, by the greatest ratio that the bounds allow.
_FREE_BYTES: Final = 64 * 1024 * 1024

_ZlibError = cast("type[Exception]", zlib_ng.error)  # its stub says otherwise


class _Inflater(Protocol):
    """What is used of zlib's decompressing object."""

    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def coding_of(head: Head) -> str | None:
    """Return which coding is to be undone; None for none. Raises BodyRefused for one we cannot."""
    coding = head.content_encoding
    if coding is None or (coding in _GZIP and head.content_type in _GZIP_TYPES):
        return None
    if coding in _GZIP or coding == _DEFLATE:
        return coding
    detail = f"the origin wraps the file in '{clipped(coding)}', which was not asked for"
    raise BodyRefused(Failure(FailureCode.BAD_RESPONSE, detail))


class Decoder:
    """Unwraps one body, in steps of at most `STEP_BYTES`."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._head = b""
        self._inner: _Inflater | None = None
        if coding != _DEFLATE:
            self._inner = zlib_ng.decompressobj(_GZIP_BITS)
        self._begun = False

    @property
    def is_whole(self) -> bool:
        """Return whether the wrapper's end was there; nothing at all is an empty file."""
        return not self._begun or (self._inner is not None and self._inner.eof)

    def steps(self, data: bytes) -> Iterator[bytes]:
        """Unwrap what comes next, step by step; each step costs the time of one.

        Raises BodyRefused where it is damaged, or followed by something else.
        """
        self._begun = self._begun or bool(data)
        if self._inner is None:
            data = self._head = self._head + data
            if len(data) < _ZLIB_HEAD_BYTES:
                return
            wrapped = data[0] & 15 == _ZLIB_METHOD
            wrapped = wrapped and int.from_bytes(data[:2], "big") % _ZLIB_CHECK == 0
            self._inner = zlib_ng.decompressobj(_ZLIB_BITS if wrapped else _RAW_BITS)
        try:
            while data or not self._inner.eof:
                if self._inner.eof:
                    self._inner = self._next_member()
                made = self._inner.decompress(data, STEP_BYTES)
                data = self._inner.unused_data or self._inner.unconsumed_tail
                if made:
                    yield made
                if not data and len(made) < STEP_BYTES:
                    return
        except _ZlibError as error:
            raise _damaged(f"is damaged ({error})") from error

    def _next_member(self) -> _Inflater:
        if self._coding == _DEFLATE:
            raise _damaged("is followed by something else")
        return zlib_ng.decompressobj(_GZIP_BITS)


class DecodedSink:
    """Unwraps a body on its way into another; `kept` are the origin's bytes, wrapped.

    `ratio` bounds how many times its size a body may become.
    """

    def __init__(
        self, coding: str, inner: Sink, pool: Pool, *, ratio: float, again: Callable[[], None]
    ) -> None:
        self._coding = coding
        self._inner = inner
        self._pool = pool
        self._ratio = ratio
        self._again = again
        self._counted = 0
        self._begin()

    def _begin(self) -> None:
        self._decoder = Decoder(self._coding)
        self._steps: Iterator[bytes] = iter(())
        self._waiting = b""
        self._skip = 0
        self._made = 0
        self.kept = 0

    def write(self, view: memoryview) -> bool:
        """Take bytes, or say that there is no room for what is in them.

        Where that shows in the middle of a piece, its bytes are taken all the same, and passed over
        when they come again.
        """
        if self._skip:
            if self._pours_on():
                return True
            again = min(self._skip, len(view))
            self._skip -= again
            view = view[again:]
        if not view:
            return False
        self.kept += len(view)
        self._steps = self._decoder.steps(bytes(view))
        if self._pours_on():
            self._skip = len(view)
            return True
        return False

    def _pours_on(self) -> bool:
        """Hand on what comes out; True where it must go on later."""
        poured = 0
        while True:
            if not self._waiting:
                self._waiting = next(self._steps, b"")
                if not self._waiting:
                    return False
                self._check(len(self._waiting))
            if self._inner.write(memoryview(self._waiting)):
                return True
            poured += len(self._waiting)
            self._waiting = b""
            if poured >= _AT_ONCE_BYTES:
                self._again()
                return True

    def _check(self, made: int) -> None:
        self._made += made
        if self._made > _FREE_BYTES and self._made > self.kept * self._ratio:
            detail = f"the file unpacks to more than {self._ratio:g} times the size it is sent in"
            raise BodyRefused(Failure(FailureCode.TOO_LARGE, detail))

    def rest(self) -> None:
        """Between two tries: keep the decoder's state only while there is memory for it."""
        self.wake()
        held = self._inner.kept
        self._inner.rest()
        spoiled = self._skip or self._inner.kept < held
        if self.kept and not spoiled and self._pool.may_rest(_STATE_BYTES):
            self._counted = _STATE_BYTES
        else:
            self.discard()

    def wake(self) -> None:
        """Another try begins."""
        self._pool.resting_bytes -= self._counted
        self._counted = 0
        self._inner.wake()

    def finish(self) -> None:
        """Hand the whole body on; raises BodyRefused where its wrapper has not ended."""
        self.wake()
        if not self._decoder.is_whole:
            detail = f"the file ends before the end of its '{self._coding}' wrapper"
            raise BodyRefused(Failure(FailureCode.TRUNCATED, detail))
        self._inner.finish()

    def discard(self) -> None:
        """Discard everything."""
        self._pool.resting_bytes -= self._counted
        self._counted = 0
        self._inner.discard()
        self._begin()


def _damaged(what: str) -> BodyRefused:
    return BodyRefused(Failure(FailureCode.BAD_RESPONSE, f"the file's Content-Encoding {what}"))
