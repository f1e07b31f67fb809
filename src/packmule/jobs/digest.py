"""Digests: whether two requests ask for the same, without keeping both.

SHA-256 over JSON, whose form has one spelling for each value here. Pure, and quick to import.
"""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from packmule.jobs.model import Manifest, OnHtml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packmule.jobs.model import JobRequest, Source


_AT_ONCE = 1000
"""Links whose JSON is in memory at once."""


def sources_digest(sources: Iterable[Source], manifest: Manifest = Manifest.NONE) -> str:
    """Digest which links are asked for, in which order, under which names and with what manifest.

    64 hex digits. What came later counts only where it is used: so an earlier version's journals
    and digests stay valid.

    The JSON of a million links is never in memory as a whole: it is digested as it is written.
    """
    digest, separator = sha256(b"["), b""
    parts = (source if source.expected else source[:3] for source in sources)
    while some := list(islice(parts, _AT_ONCE)):
        digest.update(separator + _json(some)[1:-1])
        separator = b","
    digest.update(b"]")
    if manifest is not Manifest.NONE:
        digest.update(manifest.encode())
    return digest.hexdigest()


def request_digest(request: JobRequest) -> str:
    """Digest all that was asked for, but neither who asked nor under which key; 64 hex digits."""
    asked: list[object] = [
        sources_digest(request.sources, request.manifest),
        request.name,
        request.on_error,
        request.compression,
        request.webhook_url,
        request.expires_in,
        request.priority,
    ]
    if request.on_html is not OnHtml.REPORT:
        asked.append(request.on_html)
    if request.max_part_bytes is not None:
        asked.append(request.max_part_bytes)
    return sha256(_json(asked)).hexdigest()


def _json(value: Sequence[object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
