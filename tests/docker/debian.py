"""An image to build on where none can be pulled: a small Debian, made by debootstrap.

Owns what this machine adds to it, so that apt and pip find their way out of it as they do here: its
certificates, its sources and settings of apt and pip, its variables. They are read at run time and
go into an image that is removed afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docker.engine import Engine

SUITE = "bookworm"
OLD_FORM = rf"^deb\s+(?:\[.*?\]\s+)?(http\S+)\s+{SUITE}\s"
PACKAGES = "python3,python3-venv,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
FILES = [Path("/etc/pip.conf"), CERTIFICATES]
LEFT_OUT = ["usr/share/doc", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"]
VARIABLES = ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT"]
VARIABLES += ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
# Only where they name the bundle that is copied.
BUNDLES = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"]


def make(engine: Engine, tag: str) -> None:
    """Make the image under a tag; needs root, debootstrap and a mirror."""
    mirror = _mirror()
    with _room() as folder:
        root = folder / "root"
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)]
        command += [mirror] if mirror else []
        made = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if made.returncode:
            raise AssertionError(f"debootstrap: {made.stdout[-2000:]}{made.stderr[-2000:]}")
        for path in filter(Path.exists, [*FILES, *_apt_settings()]):
            target = root / path.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        if mirror:
            # The one that debootstrap asked, and no other.
            (root / "etc/apt/sources.list").write_text(f"deb {mirror} {SUITE} main\n")
        packed = folder / "root.tar"
        left_out = [f"--exclude=./{path}/*" for path in LEFT_OUT]
        subprocess.run(["tar", "-C", root, "-cf", packed, *left_out, "."], check=True)
        changes = [word for line in _variables() for word in ("--change", f"ENV {line}")]
        engine.run("import", *changes, "-", tag, feed=packed)


@contextmanager
def _room() -> Iterator[Path]:
    """Give a folder in memory where one can be mounted: dpkg syncs each file it unpacks."""
    with tempfile.TemporaryDirectory(prefix="packmule-debian-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", "size=2g,mode=755", "packmule", name]
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        try:
            yield Path(name)
        finally:
            if mounted:
                subprocess.run(["umount", "--lazy", name], check=False)


def _mirror() -> str | None:
    """Find the mirror from which this machine takes the suite, if its sources name one."""
    for path in _apt_sources():
        text = path.read_text(errors="replace")
        for form in (r"^URIs:\s*(http\S+/debian)/?\s", OLD_FORM):
            if found := re.search(form, text, re.MULTILINE):
                return found[1]
    return None


def _apt_sources() -> list[Path]:
    folder = Path("/etc/apt/sources.list.d")
    found = [Path("/etc/apt/sources.list"), *folder.glob("*.sources"), *folder.glob("*.list")]
    return [path for path in found if path.is_file()]


def _apt_settings() -> list[Path]:
    """List the files that say how apt fetches; not those that run programs of this machine."""
    texts = {path: path.read_text() for path in Path("/etc/apt/apt.conf.d").glob("*")}
    return [path for path, text in texts.items() if "Acquire::" in text and "Invoke" not in text]


def _variables() -> list[str]:
    """List the variables to set in the image, as `NAME="value"`."""
    bundle = {name: str(CERTIFICATES) for name in BUNDLES if name in os.environ}
    given = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    return [f'{name}="{value}"' for name, value in (given | bundle).items()]
