"""Where each file of an archive is from, and what became of it, as CSV (RFC 4180).

Owns the columns and their form. Pure. What strangers wrote is kept from being a formula where the
table is opened in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from packmule.assembly.missing import without_secrets
from packmule.jobs.receipts import receipt_of
from packmule.outbound.head import http_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packmule.assembly.done_entries import DoneEntries
    from packmule.jobs.model import DoneEntry, FailedEntry, Source

COLUMNS: Final = (
    "url", "file", "size", "sha256", "etag", "last_modified", "fetched_at", "outcome", "warning",
)  # fmt: skip
PACKED: Final = "packed"
_FORMULA: Final = ("=", "+", "-", "@", "\t")


def sources_table(
    sources: Sequence[Source], done: DoneEntries, failed: Sequence[FailedEntry]
) -> bytes:
    """Return a line for each source that was packed or has failed, in the caller's order."""
    rows = {entry.position: _failed_row(entry) for entry in failed}
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    packed = iter(done.by_position())
    entry = next(packed, None)
    for source in sources:
        row = rows.get(source.position)
        if entry is not None and entry.position == source.position:
            row = _packed_row(entry)
            entry = next(packed, None)
        if row is not None:
            table.writerow((without_secrets(source.url), *row))
    return text.getvalue().encode("utf-8", "replace")


def _packed_row(entry: DoneEntry) -> tuple[object, ...]:
    sha256, etag, last_modified, fetched_at = receipt_of(entry.receipt or "")
    modified_at = http_date(last_modified)
    modified = "" if modified_at is None else _instant(modified_at)
    told = entry.warning or ""
    return (
        _plain(entry.name), entry.size, sha256, _plain(etag or ""), modified, _instant(fetched_at),
        PACKED, told,
    )  # fmt: skip


def _failed_row(entry: FailedEntry) -> tuple[object, ...]:
    return _plain(entry.name), "", "", "", "", "", str(entry.failure.code), ""


def _instant(seconds: int) -> str:
    """Return a POSIX second in the form of RFC 3339; nothing for one beyond the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def _plain(text: str) -> str:
    """Keep a text from being taken for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
