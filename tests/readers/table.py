"""The foreign readers: programs and libraries, how each is run, and where it comes from.

Owns the table. Each line runs in an empty folder, with `$ARCHIVE` the archive, `$ADAPTERS` the
folder of our few lines around a library, and `$BUILT` what `building` has made. Leaves running and
judging to `matrix`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

JAVA = "/usr/share/java"
_SLOW = {"go", "jar", "javac", "npm", "php", "ruby"}


class How(Enum):
    """How it is known what a reader has found."""

    EXTRACTS = "extracts into a folder"
    TELLS = "tells each entry's name, size and digest"
    CHECKS = "checks the archive, and says whether it is sound"


class Reader(NamedTuple):
    """A reader; `needs` are programs by name, and files by pattern, that must be there."""

    name: str
    line: str
    how: How
    needs: tuple[str, ...]
    source: str
    streams: bool = False
    """It reads from the front to the back, by the local headers, instead of the directory."""

    @property
    def slow(self) -> bool:
        """Whether it needs a language that is slow to install, to build for or to start."""
        return bool(_SLOW & set(self.needs))


def _program(name: str, line: str, *needs: str, source: str, streams: bool = False) -> Reader:
    return Reader(name, line, How.EXTRACTS, needs, source, streams)


def _java(name: str, main: str, jar: str = "", *, package: str, streams: bool = False) -> Reader:
    path = f":{JAVA}/{jar}.jar" if jar else ""
    files = (f"{JAVA}/{jar}.jar",) if jar else ()
    # Quick to start: what these few lines do is over before it would be compiled.
    line = f'java -XX:TieredStopAtLevel=1 -Xshare:auto -cp "$BUILT/java{path}" {main} "$ARCHIVE"'
    return Reader(name, line, How.TELLS, ("javac", *files), f"apt {package}", streams)


def _node(name: str, script: str, *, streams: bool = False) -> Reader:
    line = f'node "$BUILT/node/{script}.mjs" "$ARCHIVE"'
    package = name.partition(",")[0]
    return Reader(name, line, How.TELLS, ("node", "npm"), f"npm {package}", streams)


def _script(
    name: str, program: str, script: str, *files: str, source: str, streams: bool = False
) -> Reader:
    line = f'{program} "$ADAPTERS/{script}" "$ARCHIVE"'
    return Reader(name, line, How.TELLS, (program.split(maxsplit=1)[0], *files), source, streams)


_PYTHON = '"$PYTHON"'
_JDK = "openjdk-17-jdk-headless"
_RUBYZIP = "/usr/share/rubygems-integration/all/specifications/rubyzip-*.gemspec"

READERS = [
    _program("unzip", 'unzip -q "$ARCHIVE"', "unzip", source="apt unzip"),
    Reader("zip -T", 'zip -qT "$ARCHIVE"', How.CHECKS, ("zip",), "apt zip"),
    _program("7-Zip", '7zz x -y -bso0 -bsp0 "$ARCHIVE"', "7zz", source="apt 7zip"),
    _program("bsdtar", 'bsdtar -xf "$ARCHIVE"', "bsdtar", source="apt libarchive-tools"),
    _program(
        "bsdtar, from a pipe", 'cat "$ARCHIVE" | bsdtar -xf -', "bsdtar",
        source="apt libarchive-tools", streams=True,
    ),
    _program(
        "BusyBox unzip", 'busybox unzip -q "$ARCHIVE"', "busybox", source="apt busybox",
        streams=True,
    ),
    _program("unar", 'unar -q -D "$ARCHIVE"', "unar", source="apt unar"),
    _program("jar", 'jar -xf "$ARCHIVE"', "jar", source=f"apt {_JDK}", streams=True),
    Reader(
        "zipdetails", 'zipdetails "$ARCHIVE" >details && ! grep -E "WARNING|ERROR" details',
        How.CHECKS, ("zipdetails",), "apt perl",
    ),
    Reader(
        "packmule verify", '"$PYTHON" -m packmule verify "$ARCHIVE"', How.CHECKS, (), "our own",
    ),
    _java("Java ZipFile", "JdkZipFile", package=_JDK),
    _java("Java ZipInputStream", "JdkZipInputStream", package=_JDK, streams=True),
    _java("Java zip file system", "JdkZipFileSystem", package=_JDK),
    _java(
        "Commons Compress ZipFile", "CommonsZipFile", "commons-compress",
        package="libcommons-compress-java",
    ),
    _java(
        "Commons Compress stream", "CommonsZipStream", "commons-compress",
        package="libcommons-compress-java", streams=True,
    ),
    _java("Zip4j ZipFile", "Zip4jFile", "zip4j", package="libzip4j-java"),
    _java("Zip4j stream", "Zip4jStream", "zip4j", package="libzip4j-java", streams=True),
    Reader("Go archive/zip", '"$BUILT/go" "$ARCHIVE"', How.TELLS, ("go",), "apt golang-go"),
    _script(
        "Perl Archive::Zip", "perl", "perl/archive_zip.pl", "/usr/share/perl5/Archive/Zip.pm",
        source="apt libarchive-zip-perl",
    ),
    _script(
        "Perl IO::Uncompress", "perl", "perl/io_uncompress.pl", source="apt perl", streams=True
    ),
    _script(
        "rubyzip Zip::File", "ruby", "ruby/rubyzip_file.rb", _RUBYZIP,
        source="apt ruby-zip",
    ),
    _script(
        "rubyzip stream", "ruby", "ruby/rubyzip_stream.rb", _RUBYZIP,
        source="apt ruby-zip", streams=True,
    ),
    _script(
        "PHP ZipArchive", "php", "php/zip_archive.php", "/usr/lib/php/*/zip.so",
        source="apt php-zip",
    ),
    _script("PHP PharData", "php", "php/phar_data.php", source="apt php-cli"),
    Reader(
        "Python zipfile", f'{_PYTHON} "$ADAPTERS/python/zipfile_reader.py" "$ARCHIVE"', How.TELLS,
        (), "Python",
    ),
    Reader(
        "stream-unzip", f'{_PYTHON} "$ADAPTERS/python/stream_unzip_reader.py" "$ARCHIVE"',
        How.TELLS, (), "PyPI stream-unzip", streams=True,
    ),
    _node("yauzl", "yauzl"),
    _node("yauzl, version 2", "yauzl-2"),
    _node("yauzl-promise", "yauzl-promise"),
    _node("unzipper, Open", "unzipper-open"),
    _node("unzipper, Parse", "unzipper-parse", streams=True),
    _node("unzip-stream", "unzip-stream", streams=True),
    _node("node-stream-zip", "node-stream-zip"),
    _node("jszip", "jszip"),
    _node("adm-zip", "adm-zip"),
    _node("fflate", "fflate"),
    _node("fflate, Unzip", "fflate-stream", streams=True),
    _node("unzipit", "unzipit"),
    _node("@zip.js/zip.js", "zip-js"),
]  # fmt: skip

NAMED = {reader.name: reader for reader in READERS}
