"""A disk of its own whose power can be cut: a file system in a file, mounted by a loop device.

Owns making it, cutting it off (all that was not made durable is lost, the journal's tail too), and
bringing it back. Needs root, loop devices, and the programs of the file systems.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

SIZE = 400 * 1024 * 1024  # xfs has no smaller ones
MAKERS = {
    "ext4": ["mkfs.ext4", "-q", "-F"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
}
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


class Disk:
    """A mounted file system; its root belongs to `folder`, which is made."""

    def __init__(self, image: Path, folder: Path, kind: str) -> None:
        self._image = image
        self.folder = folder
        with image.open("wb") as file:
            file.truncate(SIZE)
        _run(*MAKERS[kind], image)
        folder.mkdir()
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop", self._image, self.folder)

    def cut(self) -> None:
        """Cut its power: nothing is written back any more, every later call fails with EIO."""
        _run("xfs_io", "-x", "-c", "shutdown", self.folder)

    def come_back(self) -> None:
        """Mount it again as after a power cut, by what its journal tells. Nobody may use it."""
        deadline = time.monotonic() + 10
        while True:
            try:
                _run("umount", self.folder)
                break
            except subprocess.CalledProcessError:
                # A process that was killed may be on its last way out of the kernel.
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05)
        self._mount()

    def close(self) -> None:
        """Leave no mount and no loop device behind."""
        _run("umount", "--lazy", self.folder)
        self._image.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _run(*command: object) -> None:
    subprocess.run(
        [str(part) for part in command],
        env={"PATH": _PATH},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def missing(kind: str) -> str | None:
    """Say why there can be no such disk here; None where there can."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            Disk(Path(folder) / "image", Path(folder) / "disk", kind).close()
        except FileNotFoundError as error:
            return f"the program {error.filename} is not installed"
        except subprocess.CalledProcessError as error:
            return f"{error.cmd[0]}: {error.stderr.strip()}"
    return None
