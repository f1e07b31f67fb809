"""Python's zipfile: from the central directory."""

import hashlib
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    for info in archive.infolist():
        digest = hashlib.sha256()
        with archive.open(info) as body:
            while piece := body.read(1 << 18):
                digest.update(piece)
            size = body.tell()
        sys.stdout.write(f"{digest.hexdigest()} {size} {info.filename.encode().hex()}\n")
