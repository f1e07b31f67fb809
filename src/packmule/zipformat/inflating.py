"""Inflating the body of an entry: a raw deflate stream, in pieces of bounded size.

Owns the bound and where a stream must end. Leaves reading the compressed bytes, and whether the
result is what a header says, to its callers. Law: RFC 1951.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

_RAW_DEFLATE: Final = -zlib.MAX_WBITS


class DeflateError(ValueError):
    """Raised for a stream that is damaged, cut off, or followed by other bytes."""


def inflate(compressed: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Yield what a stream holds, in pieces of 1 to `most` bytes, however much it grows.

    Raises DeflateError.
    """
    inflating = zlib.decompressobj(_RAW_DEFLATE)
    try:
        for each in compressed:
            waiting = each
            while waiting:
                if inflating.eof:
                    raise DeflateError("bytes stand behind the end of its deflate stream")
                if made := inflating.decompress(waiting, most):
                    yield made
                waiting = inflating.unconsumed_tail or inflating.unused_data
        # The last of the input may have been taken while output was still to come.
        while not inflating.eof and (made := inflating.decompress(b"", most)):
            yield made
    except zlib.error as error:
        raise DeflateError(f"it cannot be inflated ({error})") from error
    if not inflating.eof:
        raise DeflateError("its deflate stream is cut off")
