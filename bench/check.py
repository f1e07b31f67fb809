"""Whether an archive is right: a fast wrong answer does not count.

Owns comparing an archive with the data it was made from; reading it is zipfile's.
"""

import zipfile
from pathlib import Path

from bench.data import DataSet
from bench.measure import RunError

CHUNK = 4 * 1024 * 1024


def check_archive(archive: Path, data: DataSet, *, bodies: bool) -> None:
    """Raise RunError where entries are missing or wrong in name, size or CRC-32.

    With `bodies` every body is read against its CRC-32 too (APPNOTE 4.4.7).
    """
    if not archive.exists():
        raise RunError("no archive was made")
    try:
        with zipfile.ZipFile(archive) as opened:
            _check_directory(opened, data)
            if bodies:
                _check_bodies(opened)
    except zipfile.BadZipFile as error:
        raise RunError(f"the archive is broken: {error}") from error


def _check_directory(archive: zipfile.ZipFile, data: DataSet) -> None:
    """Compare the central directory with the data."""
    # Directories are no entries of the work: zip -r may add them.
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) != data.files.count:
        raise RunError(f"{len(entries)} entries instead of {data.files.count}")
    for entry in entries:
        if data.crcs.get(entry.filename) != entry.CRC:
            raise RunError(f"the entry {entry.filename} is not the file of that name")
        if entry.file_size != data.files.size:
            raise RunError(f"the entry {entry.filename} has {entry.file_size} bytes")


def _check_bodies(archive: zipfile.ZipFile) -> None:
    """Read everything; zipfile compares each CRC-32."""
    for entry in archive.infolist():
        with archive.open(entry) as body:
            while body.read(CHUNK):
                pass
