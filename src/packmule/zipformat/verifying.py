"""Whether an archive is right: every byte of it is somebody's, and all its records agree.

Owns what is a fault (readers refuse it, or it means damage) and what is a mere note (we would not
write it so, readers take it), and the bounds of a check: the work is in proportion to the archive's
size, and memory to the number of its entries, whatever its records claim. Leaves finding the
directory to `reading`, one entry's header and body to `entry_check`. Law: APPNOTE 4.3 (overall
format).

    [header][body][descriptor?] [header][body] ... [central headers][end records]
     no byte between them, none twice, none before, none behind
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from packmule.zipformat.entry_check import Extent, Finding, check_entry, fault, note
from packmule.zipformat.reading import LONGEST_HEADER, Directory, Read, read_directory, read_headers
from packmule.zipformat.records import LOCAL, CentralHeader, FormatError

MOST_ENTRIES: Final = 2_000_000
"""Entries of an archive that is checked, unless its owner knows of more."""

MOST_FINDINGS: Final = 10_000
"""Faults after which a check ends, and notes after which no more are kept."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was found in an archive of that many entries and bytes, faults and notes, by place.

    Where the check ended early (`is_complete` is false) `entries` counts what was checked.
    """

    entries: int
    size: int
    findings: tuple[Finding, ...]
    is_complete: bool = True

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What makes the archive wrong."""
        return tuple(each for each in self.findings if each.is_fault)


def verify(
    read: Read, size: int, *, quick: bool = False, most_entries: int = MOST_ENTRIES
) -> VerifyReport:
    """Check an archive of `size` bytes; `quick` leaves the bodies unread.

    Raises FormatError where no directory can be read or it has more than `most_entries`, and what
    `read` raises.
    """
    check = _Check(read, size, quick=quick, most_entries=most_entries)
    try:
        check.run()
    except _EnoughFound:
        is_complete = False
    else:
        is_complete = not check.is_cut_short
    found = sorted(check.findings, key=lambda each: (not each.is_fault, each.at))
    return VerifyReport(len(check.places), size, tuple(found), is_complete)


class _EnoughFound(Exception):
    """There are so many faults that one more tells nothing."""


class _Check:
    """One check of one archive."""

    def __init__(self, read: Read, size: int, *, quick: bool, most_entries: int) -> None:
        self._read = read
        self._size = size
        self._quick = quick
        self._most_entries = most_entries
        self._directory = read_directory(read, size)
        # Of each entry; eight bytes each, since there may be millions.
        self.places = array("Q")
        self._starts = array("Q")
        self._stops = array("Q")
        self._owners = array("Q")  # the place of the header whose extent this is
        self._first_place: dict[int, int] = {}
        self._claimed = 0
        self._faults = self._notes = 0
        self.findings: list[Finding] = []
        self.is_cut_short = False

    def run(self) -> None:
        """Check it all."""
        directory = self._directory
        stop = directory.start
        for place, header in read_headers(self._read, directory):
            if len(self.places) >= self._most_entries:
                raise FormatError(f"it has more than {self._most_entries:,} entries")
            stop = place + header.packed_size
            self._check_name(place, header)
            self.places.append(place)
            if not self._check_entry(place, header):
                self.is_cut_short = True
                break
        else:
            self._add(_ends(directory, self._size, stop, len(self.places)))
        self._add(self._between())

    def _check_entry(self, place: int, header: CentralHeader) -> bool:
        """Check one entry; False where the entries overlap so much that no more are looked at.

        Their extents are added up: entries that claim more bytes than there are share some. So what
        is read is bounded, even if all entries are one and the same huge body.
        """
        directory = self._directory
        left = directory.start - self._claimed
        extent, findings = check_entry(
            self._read, header, place, directory, quick=self._quick, most_bytes=left
        )
        self._add(findings)
        if extent is None:
            return True
        self._owners.append(place)
        self._starts.append(extent.start)
        self._stops.append(extent.stop)
        # One that runs into the directory is not read back, and its length may be damaged.
        fits = extent.stop <= directory.start
        self._claimed += extent.stop - extent.start if fits else LOCAL.size
        if self._claimed <= directory.start:
            return True
        self._add([fault(
            "overlap", extent.start, header.name,
            f"the entries so far claim {self._claimed:,} bytes, and there are only "
            f"{directory.start:,} before the directory; the rest was not checked",
        )])  # fmt: skip
        return False

    def _check_name(self, place: int, header: CentralHeader) -> None:
        first = self._first_place.setdefault(hash(header.name), place)
        if first != place and self._header_at(first).name == header.name:
            self._add([fault(
                "duplicate", place, header.name,
                f"the directory has this name at byte {first:,} already",
            )])  # fmt: skip

    def _header_at(self, place: int) -> CentralHeader:
        return CentralHeader.unpack(self._read(place, LONGEST_HEADER))

    def _add(self, found: Iterable[Finding]) -> None:
        """Keep findings. Raises _EnoughFound."""
        for each in found:
            if each.is_fault:
                self._faults += 1
                self.findings.append(each)
                if self._faults >= MOST_FINDINGS:
                    raise _EnoughFound
            elif self._notes < MOST_FINDINGS:
                self._notes += 1
                self.findings.append(each)

    def _extents(self) -> Iterator[Extent]:
        """List the extents in the order in which they lie in the archive."""
        starts, stops = self._starts, self._stops
        order: range | list[int] = range(len(starts))
        if any(starts[n] > starts[n + 1] for n in range(len(starts) - 1)):
            order = sorted(order, key=lambda n: (starts[n], stops[n]))
        for n in order:
            yield Extent(starts[n], stops[n], self._owners[n])

    def _between(self) -> Iterator[Finding]:
        """Check that the entries fill the bytes up to the directory, each once."""
        directory = self._directory
        # Where an entry has no extent, or was not looked at, a gap may be its own.
        whole = len(self._starts) == len(self.places) and not self.is_cut_short
        at, last = 0, -1
        for extent in self._extents():
            if extent.start > at and last < 0:
                yield note(
                    "prefix", 0, None,
                    f"{extent.start:,} bytes stand before the first entry, like a program's",
                )  # fmt: skip
            elif extent.start > at and whole:
                yield _gap(at, extent.start)
            elif extent.start < at:
                yield fault(
                    "overlap", extent.start, self._header_at(extent.place).name,
                    f"shares {min(at, extent.stop) - extent.start:,} bytes with "
                    f"{self._header_at(last).name.decode(errors='replace')}",
                )  # fmt: skip
            if extent.stop >= at:
                at, last = extent.stop, extent.place
        if at > directory.start:
            yield fault(
                "overlap", directory.start, self._header_at(last).name,
                "its bytes run into the central directory",
            )  # fmt: skip
        elif at < directory.start and whole:
            yield _gap(at, directory.start)


def _ends(directory: Directory, size: int, stop: int, entries: int) -> Iterator[Finding]:
    """Check what stands around the entries; the last header ends at `stop`."""
    if directory.announced != entries:
        yield fault(
            "directory", stop, None,
            f"the end record counts {directory.announced:,} entries, the directory has "
            f"{entries:,}",
        )  # fmt: skip
    if stop != directory.records:
        yield fault(
            "gap", stop, None,
            f"{directory.records - stop:,} bytes between the directory and its end records belong "
            "to neither",
        )  # fmt: skip
    if directory.end != size:
        yield fault(
            "trailing-bytes", directory.end, None,
            f"{size - directory.end:,} bytes stand behind the archive's end",
        )  # fmt: skip
    if directory.comment:
        yield note("comment", directory.end - len(directory.comment), None, "it has a comment")


def _gap(start: int, stop: int) -> Finding:
    return fault("gap", start, None, f"{stop - start:,} bytes belong to no entry")
