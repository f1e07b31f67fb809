"""Bodies that an origin compresses on the wire: decoded on their way into another sink.

Owns the decoding, the bounds on what may come out, and how a pause in the middle of a piece is told
from bytes taken. Leaves which wrappers to remove to `content_coding`, and where the decoded bytes
go to another sink. Runs in the transfer loop's thread, and gives it back after at most a MiB at a
time. The rules: RFC 9110 8.4 (codings), RFC 1952 2.2 (gzip: members one after another).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from zlib_ng import zlib_ng

from packmule.assembly.content_coding import Wrapper
from packmule.assembly.sinks.protocol import too_large
from packmule.errors import Failure, FailureCode
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from packmule.assembly.disk.blocks import Pool
    from packmule.assembly.sinks.protocol import Sink

_GZIP_MAGIC: Final = b"\x1f\x8b"

STEP_BYTES: Final = 64 * 1024
_AT_ONCE_BYTES: Final = 1024 * 1024
_TAIL_BYTES: Final = 4 * 1024  # to compare a resume with, at `Limits.least_overlap` or above
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


class Decoder:
    """Removes one wrapper, in steps of at most `STEP_BYTES`.

    What follows its end is ignored, as gzip(1) and browsers do, unless it is another gzip member.
    """

    def __init__(self, wrapper: Wrapper) -> None:
        self._wrapper = wrapper
        self._inflater = self._new_inflater()
        self._begun = False
        self._behind = b""  # what may be the beginning of another member
        self._is_over = False

    def _new_inflater(self) -> _Inflater:
        return zlib_ng.decompressobj(self._wrapper.value)

    @property
    def is_whole(self) -> bool:
        """Return whether the wrapper's end was there; nothing at all is an empty file."""
        return not self._begun or self._inflater.eof

    @property
    def has_ended(self) -> bool:
        """Return whether the wrapper's own checksum says that all has come."""
        return self._begun and self._inflater.eof and self._wrapper is not Wrapper.RAW_DEFLATE

    def steps(self, data: bytes) -> Iterator[bytes]:
        """Decode what comes next, step by step; each step costs the time of one.

        Raises BodyRefused where it is damaged.
        """
        self._begun = self._begun or bool(data)
        try:
            while not self._is_over:
                if self._inflater.eof:
                    data = self._behind + data
                    self._behind = b""
                    if not self._begins_member(data):
                        return
                made = self._inflater.decompress(data, STEP_BYTES)
                data = self._inflater.unused_data or self._inflater.unconsumed_tail
                if made:
                    yield made
                if not data and len(made) < STEP_BYTES:
                    return
        except _ZlibError as error:
            detail = f"the file's compression on the wire (Content-Encoding) is damaged ({error})"
            raise BodyRefused(Failure(FailureCode.BAD_RESPONSE, detail)) from error

    def _begins_member(self, data: bytes) -> bool:
        """Begin another gzip member if one follows the end of the last; else ignore the rest."""
        if self._wrapper is Wrapper.GZIP and data.startswith(_GZIP_MAGIC):
            self._inflater = self._new_inflater()
            return True
        if self._wrapper is Wrapper.GZIP and _GZIP_MAGIC.startswith(data):
            self._behind = data
        else:
            self._is_over = True
        return False


class Decoding:
    """Removes the wrappers of one body, the outermost first."""

    def __init__(self, wrappers: Sequence[Wrapper]) -> None:
        self._decoders = tuple(map(Decoder, wrappers))

    @property
    def is_whole(self) -> bool:
        """Return whether the end of every wrapper was there."""
        return all(decoder.is_whole for decoder in self._decoders)

    @property
    def has_ended(self) -> bool:
        """Return whether the wrappers' own checksums say that all has come."""
        return all(decoder.has_ended for decoder in self._decoders)

    def steps(self, data: bytes) -> Iterator[bytes]:
        """Decode what comes next, in steps of at most `STEP_BYTES`. Raises BodyRefused."""
        return _through(self._decoders, data)

    def check_whole(self) -> None:
        """Raise BodyRefused if the body ended before its wrappers."""
        if not self.is_whole:
            detail = "the file ends before its compression on the wire (Content-Encoding) does"
            raise BodyRefused(Failure(FailureCode.TRUNCATED, detail))


def _through(decoders: tuple[Decoder, ...], data: bytes) -> Iterator[bytes]:
    if not decoders:
        yield data
        return
    first, *rest = decoders
    for piece in first.steps(data):
        yield from _through(tuple(rest), piece)


def decode_small(wrappers: Sequence[Wrapper], body: bytes, most: int) -> list[bytes]:
    """Decode a whole body of a few KiB. Raises BodyRefused, also if it becomes more than `most`."""
    decoding = Decoding(wrappers)
    pieces, size = [], 0
    for piece in decoding.steps(body):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise _bomb(f"{size // len(body):,}")
    decoding.check_whole()
    return pieces


class DecodedSink:
    """Decodes a body on its way into another; `kept` are the origin's bytes, as they came.

    They may be `limit` bytes at most, and become `ratio` times as many.
    """

    def __init__(
        self,
        wrappers: Sequence[Wrapper],
        inner: Sink,
        pool: Pool,
        *,
        limit: int,
        ratio: float,
        again: Callable[[], None],
    ) -> None:
        self._wrappers = wrappers
        self._inner = inner
        self._pool = pool
        self._limit = limit
        self._ratio = ratio
        self._again = again
        self._counted = 0
        self._begin()

    def _begin(self) -> None:
        self._decoding = Decoding(self._wrappers)
        self._steps: Iterator[bytes] = iter(())
        self._waiting = b""
        self._skip = 0
        self._made = 0
        self._tail = b""
        self.kept = 0

    @property
    def has_ended(self) -> bool:
        """Return whether the body's own checksums say that all has come, and been handed on."""
        return self._decoding.has_ended and not self._skip

    def write(self, view: memoryview) -> bool:
        """Take bytes, or say that there is no room for what is in them.

        Where that shows in the middle of a piece, its bytes are taken all the same, and ignored
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
        if self.kept > self._limit:
            raise too_large(self._limit)
        self._tail = (self._tail + bytes(view[-_TAIL_BYTES:]))[-_TAIL_BYTES:]
        self._steps = self._decoding.steps(bytes(view))
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
            raise _bomb(f"{self._ratio:g}")

    def tail(self, length: int) -> bytes:
        """Return the last bytes that came, of which only a few are held."""
        return self._tail[-length:]

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
        self._decoding.check_whole()
        self._inner.finish()

    def discard(self) -> None:
        """Discard everything."""
        self._pool.resting_bytes -= self._counted
        self._counted = 0
        self._inner.discard()
        self._begin()


def _bomb(times: str) -> BodyRefused:
    detail = f"the file unpacks to more than {times} times the size it is sent in"
    return BodyRefused(Failure(FailureCode.TOO_LARGE, detail))
