"""A finished archive in the servers' namespace: `packmule serve` with an archive of a case's files.

Owns starting the service there, and having it make the archive.
"""

import subprocess
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import tail
from bench.processes import end_tree
from bench.wan.files import Served
from bench.wan.network import Namespace, host_address

PORT = 8000
LOOPBACK = "127.0.0.1"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive: its hash, the service's address, and the file that a download has to be."""

    archive_hash: str
    server: str
    served: Served

    @property
    def url(self) -> str:
        """The link that downloads it."""
        return f"{self.server}/archive/get/{self.archive_hash}.zip"


@contextmanager
def serving_archive(
    urls: Mapping[str, str], server: Namespace, program: Path, authority: Path, folder: Path
) -> Iterator[Archive]:
    """Serve an archive that a service has made of some links until the block ends."""
    folder.mkdir(parents=True)
    address = f"http://{host_address(0)}:{PORT}"
    told = {"PACKMULE_HOST": "0.0.0.0", "PACKMULE_PORT": str(PORT), "PACKMULE_PUBLIC_URL": address}
    told |= {"PACKMULE_DATA_DIR": str(folder / "data"), "PACKMULE_CA_FILE": str(authority)}
    told |= {"PACKMULE_ALLOW_NETWORKS": LOOPBACK, "PATH": "/usr/bin:/bin"}
    links = folder / "links.txt"
    # The service does not fetch from its own addresses, except for loopback where that is allowed.
    own = host_address(0)
    links.write_text("".join(f"{url.replace(own, LOOPBACK)}\n" for url in urls.values()))
    with (folder / "serve.log").open("wb") as output:
        process = subprocess.Popen(
            server.command(str(program), "serve"),
            cwd=folder,
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        archive_hash = _created(server, program, address, links)
        (file,) = (folder / "data").rglob(f"{archive_hash}*.zip")
        crc = zlib.crc32(file.read_bytes())
        served = Served(file.parent, {f"{archive_hash}.zip": (0, file.stat().st_size, crc)})
        yield Archive(archive_hash, address, served)
    except subprocess.CalledProcessError as error:
        said = f"{error.stderr} {tail(folder / 'serve.log')}"
        raise SystemExit(f"The service could not make an archive: {said}") from error
    finally:
        end_tree(process)


def _created(server: Namespace, program: Path, address: str, links: Path) -> str:
    """Create an archive; return its hash once it is completed."""
    words = [str(program), "create", "-i", str(links), "--wait", "-q", "--server", address]
    deadline = time.monotonic() + START_SECONDS
    while True:
        done = subprocess.run(server.command(*words), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split()[0]
        if time.monotonic() > deadline:
            raise subprocess.CalledProcessError(done.returncode, words, stderr=done.stderr)
        time.sleep(0.2)  # it may not have started yet
