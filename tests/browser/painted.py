"""Small landscapes as PNG files, for pages that show previews: a sky, a sun and the sea."""

from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 480, 320
_SUN = 46

Colour = tuple[int, int, int]


def landscape(sky: Colour, glow: Colour, sea: Colour, *, sun_at: tuple[int, int]) -> bytes:
    """Paint a sky that glows towards the horizon, a sun, and the sea with the sun's reflection."""
    horizon = HEIGHT * 2 // 3
    rows = bytearray()
    for y in range(HEIGHT):
        rows.append(0)  # each row says how it is filtered: not at all
        base = _mixed(sky, glow, y / horizon) if y < horizon else _darker(sea, y - horizon)
        row = [base] * WIDTH
        distance = abs(sun_at[1] - y)
        if y < horizon and distance < _SUN:
            half = int((_SUN**2 - distance**2) ** 0.5)
            row[sun_at[0] - half : sun_at[0] + half] = [(255, 244, 214)] * (2 * half)
        elif y >= horizon and y % 9 < 3:
            half = 12 + (y - horizon) // 3
            row[sun_at[0] - half : sun_at[0] + half] = [_mixed(base, glow, 0.6)] * (2 * half)
        for pixel in row:
            rows += bytes(pixel)
    return _png(bytes(rows))


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (
        round(one + (two - one) * share) for one, two in zip(first, second, strict=True)
    )
    return red, green, blue


def _darker(colour: Colour, by: int) -> Colour:
    return _mixed(colour, (0, 0, 0), by / HEIGHT)


def _png(rows: bytes) -> bytes:
    """Write the rows as a PNG file (ISO/IEC 15948, 11.2): 8 bits a channel, no transparency."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
