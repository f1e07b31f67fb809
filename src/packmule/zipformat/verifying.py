"""Whether an archive is right: every byte of it is somebody's, and all its records agree.

Owns what is a fault (readers refuse it, or it means damage) and what is a mere note (we would not
write it so, readers take it). Leaves finding the directory to `reading`, one entry's header and
body to `entry_check`. Law: APPNOTE 4.3 (overall format).

    [header][body][descriptor?] [header][body] ... [central headers][end records]
     no byte between them, none twice, none before, none behind
"""

from collections.abc import Iterator
from dataclasses import dataclass

from packmule.zipformat.entry_check import Extent, Finding, check_entry, fault, note
from packmule.zipformat.reading import Directory, Read, read_directory


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was found in an archive of that many entries and bytes, faults and notes, by place."""

    entries: int
    size: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What makes the archive wrong."""
        return tuple(each for each in self.findings if each.is_fault)


def verify(read: Read, size: int, *, quick: bool = False) -> VerifyReport:
    """Check an archive of `size` bytes; `quick` leaves the bodies unread.

    Raises FormatError where no directory can be read, and what `read` raises.
    """
    directory = read_directory(read, size)
    found = [*_ends(directory, size), *_duplicates(directory)]
    extents: list[Extent] = []
    for header, place in zip(directory.headers, directory.places, strict=True):
        extent, findings = check_entry(read, header, place, directory, quick=quick)
        found += findings
        if extent is not None:
            extents.append(extent)
    whole = len(extents) == len(directory.headers)
    found += _between(sorted(extents), directory, whole=whole)
    found.sort(key=lambda each: (not each.is_fault, each.at))
    return VerifyReport(len(directory.headers), size, tuple(found))


def _ends(directory: Directory, size: int) -> Iterator[Finding]:
    """Check what stands around the entries."""
    if directory.announced != len(directory.headers):
        yield fault(
            "directory", directory.stop, None,
            f"the end record counts {directory.announced:,} entries, the directory has "
            f"{len(directory.headers):,}",
        )  # fmt: skip
    if directory.stop != directory.records:
        yield fault(
            "gap", directory.stop, None,
            f"{directory.records - directory.stop:,} bytes between the directory and its end "
            "records belong to neither",
        )  # fmt: skip
    if directory.end != size:
        yield fault(
            "trailing-bytes", directory.end, None,
            f"{size - directory.end:,} bytes stand behind the archive's end",
        )  # fmt: skip
    if directory.comment:
        yield note("comment", directory.end - len(directory.comment), None, "it has a comment")


def _duplicates(directory: Directory) -> Iterator[Finding]:
    seen: dict[bytes, int] = {}
    for header, place in zip(directory.headers, directory.places, strict=True):
        first = seen.setdefault(header.name, place)
        if first != place:
            yield fault(
                "duplicate", place, header.name,
                f"the directory has this name at byte {first:,} already",
            )  # fmt: skip


def _between(extents: list[Extent], directory: Directory, *, whole: bool) -> Iterator[Finding]:
    """Check that the entries fill the bytes up to the directory, each once."""
    at = 0
    last = b""
    for extent in extents:
        if extent.start > at and not last:
            yield note(
                "prefix", 0, None,
                f"{extent.start:,} bytes stand before the first entry, like a program's",
            )  # fmt: skip
        elif extent.start > at and whole:
            yield _gap(at, extent.start)
        elif extent.start < at:
            yield fault(
                "overlap", extent.start, extent.name,
                f"shares {min(at, extent.stop) - extent.start:,} bytes with "
                f"{last.decode(errors='replace')}",
            )  # fmt: skip
        if extent.stop >= at:
            at, last = extent.stop, extent.name
    if at > directory.start:
        yield fault(
            "overlap", directory.start, last, "its bytes run into the central directory"
        )  # fmt: skip
    elif at < directory.start and whole:
        yield _gap(at, directory.start)


def _gap(start: int, stop: int) -> Finding:
    return fault("gap", start, None, f"{stop - start:,} bytes belong to no entry")
