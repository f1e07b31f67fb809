"""The tag files of a BagIt bag (RFC 8493): what makes an archive's files a bag.

Owns their names and texts. Pure, and the same for the same files. The bag is one folder of the
archive (RFC 8493 4), its payload the files in `data/`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from packmule import __version__
from packmule.assembly.manifest.sums import digest_of, line
from packmule.assembly.own_entry import OwnEntry
from packmule.jobs.receipts import receipt_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packmule.assembly.done_entries import DoneEntries

DECLARATION: Final = "bagit.txt"
INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
TAG_FILES: Final = (DECLARATION, INFO, MANIFEST, TAG_MANIFEST)
_DECLARED: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def bag_entries(base: str, others: Iterable[OwnEntry], done: DoneEntries) -> tuple[OwnEntry, ...]:
    """Return the tag files, with those that are there already; names begin below `base`."""
    tags = (
        *others,
        OwnEntry(DECLARATION, _DECLARED),
        OwnEntry(INFO, _info(done)),
        OwnEntry(MANIFEST, _payload_manifest(base, done)),
    )
    sums = "".join(line(sha256(tag.body).hexdigest(), tag.name) for tag in tags)
    return (*tags, OwnEntry(TAG_MANIFEST, sums.encode()))


def _info(done: DoneEntries) -> bytes:
    """Return the bag's metadata; its date is that of the last file, so that it never changes."""
    size = count = latest = 0
    for entry in done:
        size += entry.size
        count += 1
        latest = max(latest, receipt_of(entry.receipt or "").fetched_at)
    date = datetime.fromtimestamp(latest, UTC).date().isoformat()
    return (
        f"Bag-Software-Agent: Packmule {__version__}\n"
        f"Bagging-Date: {date}\n"
        f"Payload-Oxum: {size}.{count}\n"
    ).encode()


def _payload_manifest(base: str, done: DoneEntries) -> bytes:
    lines = (
        line(digest_of(entry), _escaped(entry.name.removeprefix(f"{base}/")))
        for entry in done.by_position()
    )
    return "".join(lines).encode()


def _escaped(path: str) -> str:
    """Escape what RFC 8493 2.1.3 asks for; line ends are in no name."""
    return path.replace("%", "%25")
