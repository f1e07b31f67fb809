"""`pack` on a bench: a small origin, real transfers, and a folder on which crashes are tried."""

from __future__ import annotations

import random
import threading
import zipfile
from contextlib import nullcontext
from typing import TYPE_CHECKING, Self

from tests.fakes.origin import Origin

from packmule.assembly.missing import NAME
from packmule.assembly.pack import Packed, pack
from packmule.assembly.resources import AssemblyLimits, SharedResources
from packmule.jobs.model import Compression, Manifest, OnError, OnHtml, Source
from packmule.outbound.addresses import AddressRules, parse_networks
from packmule.outbound.loop_settings import LoopSettings
from packmule.outbound.transfer import Limits
from packmule.zipformat.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fakes.crashes import Crash

    from packmule.jobs.model import Progress

# One of each: nothing, small, small but a megabyte in sum, in its place, and a page for media.
SIZES = {"empty": 0, "small": 100, "kept": 70_000, "placed": 300_000, "large": 700_000}
PAGE = b"<!doctype html><title>Please log in</title>"


def ca_file() -> str:
    """Name the certificates that libcurl is to trust; nothing here asks for one."""
    import certifi  # noqa: PLC0415

    return certifi.where()


class Bench:
    """An origin with files in versions, and `pack` into `out` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.use(folder)
        self.origin = Origin()
        self.versions: dict[str, list[bytes]] = {}
        limits = Limits(
            attempts=2, redirects=5, max_bytes=10**9, max_head_bytes=65_536, max_url_length=8192,
            seconds=60.0,
        )  # fmt: skip
        loop = LoopSettings(
            transfers=8, transfers_per_host=8, connect_timeout=10.0, stall_timeout=30.0,
            ca_file=ca_file(), limits=limits,
        )  # fmt: skip
        rules = AddressRules(allow_networks=parse_networks("127.0.0.0/8"))
        self.resources = SharedResources(rules, loop, AssemblyLimits(min_free_bytes=0))
        for name in SIZES:
            self.change(f"{name}.bin")
        self.origin.put("/film.mp4", PAGE, headers={"Content-Type": "text/html"})

    def use(self, folder: Path) -> None:
        """Pack into another folder from now on."""
        self.folder = folder
        self.out = folder / "out.zip"
        self.part = folder / "out.zip.part"
        self.journal = folder / "out.zip.part.journal"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.resources.close()
        self.origin.close()

    def change(self, name: str) -> None:
        """Have the origin serve another version of a file, as long as the one before."""
        versions = self.versions.setdefault(name, [])
        size = SIZES[name.removesuffix(".bin")]
        body = random.Random(f"{name}/{len(versions)}").randbytes(size)
        versions.append(body)
        self.origin.put(f"/{name}", body)

    def hold(self, name: str, at: int) -> None:
        """Have no byte of a file be sent from that one on, until `release`."""
        self.origin.resources[f"/{name}"].held_from = at

    def release(self) -> None:
        """Have all bytes be sent again."""
        self.origin.release(*self.origin.resources)

    def sources(self, *names: str) -> list[Source]:
        """Ask for these files, in this order."""
        return [Source(at, self.origin.url(f"/{name}")) for at, name in enumerate(names)]

    def pack(
        self,
        sources: Sequence[Source],
        *,
        on_error: OnError = OnError.FAIL,
        on_html: OnHtml = OnHtml.REPORT,
        compression: Compression = Compression.STORE,
        manifest: Manifest = Manifest.NONE,
        replace: bool = True,
        stop_after: int | None = None,
        crash: Crash | None = None,
    ) -> Packed:
        """Run `pack`, asked to stop after so many checkpoints; then the crash is put into effect.

        Raises what `pack` raises.
        """
        stop = threading.Event()
        seen = 0

        def watch(_progress: Progress) -> None:
            nonlocal seen
            seen += 1
            if seen == stop_after:
                stop.set()

        try:
            with crash or nullcontext():
                return pack(
                    sources, self.out, self.resources, stop, on_error=on_error, on_html=on_html,
                    compression=compression, manifest=manifest, replace=replace, watch=watch,
                    interval=0.01,
                )  # fmt: skip
        finally:
            if crash is not None:
                crash.restore()

    def interrupt(self, sources: Sequence[Source], *holding: str) -> None:
        """Run `pack` until all but the files named are done, and stop it there."""
        for name in holding:
            self.hold(name, 290_000)
        packed = self.pack(sources, stop_after=30)
        assert packed.stopped
        self.release()

    def check(self, sources: Sequence[Source], *, without: Sequence[str] = ()) -> None:
        """Fail unless `out` is a whole archive of these files, each one version of it."""
        self.check_any([(tuple(one.url.rpartition("/")[2] for one in sources), set(without))])

    def check_any(self, wanted: Sequence[tuple[tuple[str, ...], set[str]]]) -> None:
        """Do as `check`, where it may be one of several lists, each without some of its files."""
        data = self.out.read_bytes()
        assert verify(lambda at, length: data[at : at + length], len(data)).findings == ()
        with zipfile.ZipFile(self.out) as archive:
            bodies = {name: archive.read(name) for name in archive.namelist()}
        assert len(bodies) == len(archive.infolist())
        missing = bodies.pop(NAME, b"").decode()
        assert (set(bodies), bool(missing)) in [
            (set(names) - without, bool(set(names) & without)) for names, without in wanted
        ]
        for name, body in bodies.items():
            assert body in self.versions.get(name, [PAGE])
