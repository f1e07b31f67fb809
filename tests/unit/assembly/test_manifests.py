"""What an archive says of its own files is true, and standard tools read it."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from hashlib import sha256

import pytest
from tests.fakes.archives import contents, packed_files
from tests.fakes.jobs import done, opened
from tests.unit.assembly.packing_bench import Bench

from packmule.assembly.manifest.archive_manifest import ArchiveManifest
from packmule.jobs.model import Compression, Manifest, OnError, Remembered, Source
from packmule.jobs.receipts import Receipt

MANIFESTS = [Manifest.SUMS, Manifest.BAGIT]
NAMES = ["empty.bin", "small.bin", "kept.bin", "placed.bin", "large.bin"]


def table(bodies: dict[str, bytes]) -> list[dict[str, str]]:
    (text,) = (body for name, body in bodies.items() if name.rpartition("/")[2] == "sources.csv")
    return list(csv.DictReader(io.StringIO(text.decode())))


@pytest.mark.parametrize("manifest", MANIFESTS)
@pytest.mark.parametrize("compression", [Compression.STORE, Compression.DEFLATE])
def test_every_file_is_told_with_its_checksum(
    bench: Bench, manifest: Manifest, compression: Compression
) -> None:
    text = b"text " * 200_000
    bench.origin.put("/text%25.txt", text, announced=False)
    wanted = bench.sources(*NAMES, "text%25.txt")
    packed = bench.pack(wanted, manifest=manifest, compression=compression)
    assert packed.size is not None
    expected = {name: bench.versions[name][-1] for name in NAMES} | {"text%.txt": text}
    assert packed_files(contents(bench.out), manifest) == expected


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_the_table_tells_where_each_file_is_from_and_what_became_of_it(
    bench: Bench, manifest: Manifest
) -> None:
    bench.origin.put("/page", b"=1", headers={"Content-Type": "text/plain"}, etag="=cmd")
    urls = ["small.bin?key=secret", "gone.bin", "film.mp4", "page"]
    urls = [bench.origin.url(f"/{each}") for each in urls]
    names = [None, "gone.bin", None, "=1+1.csv"]
    wanted = [Source(n, url, name) for n, (url, name) in enumerate(zip(urls, names, strict=True))]
    packed = bench.pack(wanted, manifest=manifest, on_error=OnError.SKIP)
    assert packed.size is not None
    bodies = contents(bench.out)
    assert b"secret" not in b"".join(bodies.values())
    small, gone, film, page = table(bodies)
    folder = "out/data/" if manifest is Manifest.BAGIT else ""
    assert small["url"] == bench.origin.url("/small.bin")
    assert small["file"] == f"{folder}small.bin"
    assert small["sha256"] == sha256(bench.versions["small.bin"][-1]).hexdigest()
    assert small["etag"] == bench.origin.resources["/small.bin"].etag
    assert (small["size"], small["last_modified"]) == ("100", "2026-01-05T08:00:00Z")
    assert small["fetched_at"].endswith("Z")
    assert (small["outcome"], gone["outcome"]) == ("packed", "http-status")
    assert (gone["file"], gone["sha256"], gone["fetched_at"]) == ("gone.bin", "", "")
    assert (film["outcome"], film["warning"]) == ("packed", "html-page")
    assert page["etag"] == "'=cmd"
    assert page["file"] == ("'=1+1.csv" if not folder else f"{folder}=1+1.csv")


def test_files_yield_to_the_manifest_and_it_yields_to_folders(bench: Bench) -> None:
    url = bench.origin.url("/small.bin")
    names = ["SHA256SUMS", "sha256sums", "Sources.csv/a.bin", "_missing.txt"]
    wanted = [Source(n, url, name) for n, name in enumerate(names)]
    wanted.append(Source(4, bench.origin.url("/gone.bin")))
    packed = bench.pack(wanted, manifest=Manifest.SUMS, on_error=OnError.SKIP)
    assert packed.size is not None
    assert list(contents(bench.out)) == [
        "SHA256SUMS (1)", "sha256sums (2)", "Sources.csv/a.bin", "_missing.txt",
        "_missing (1).txt", "sources (1).csv", "SHA256SUMS",
    ]  # fmt: skip


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_the_manifest_is_right_after_an_interruption(bench: Bench, manifest: Manifest) -> None:
    wanted = bench.sources(*NAMES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            bench, "pack", lambda s, **more: Bench.pack(bench, s, manifest=manifest, **more)
        )
        bench.interrupt(wanted, "placed.bin", "large.bin")
        packed = bench.pack(wanted)
    assert (packed.size is not None, packed.resumed) == (True, 3)
    expected = {name: bench.versions[name][-1] for name in NAMES}
    assert packed_files(contents(bench.out), manifest) == expected
    assert bench.origin.ranges_for("/large.bin")[-1] is not None


def test_another_manifest_is_another_request(bench: Bench) -> None:
    wanted = bench.sources(*NAMES)
    bench.interrupt(wanted, "large.bin")
    packed = bench.pack(wanted, manifest=Manifest.SUMS)
    assert (packed.size is not None, packed.resumed) == (True, 0)


@pytest.mark.needs("unzip")
def test_sha256sum_finds_every_unpacked_file_right(bench: Bench) -> None:
    url = bench.origin.url("/small.bin")
    names = ["a b.bin", "ä/ö ü.bin", "*.bin", "-c", "100%.bin", "back\\slash"]
    wanted = [Source(n, url, name) for n, name in enumerate(names)]
    assert bench.pack(wanted, manifest=Manifest.SUMS).size is not None
    folder = bench.folder / "unpacked"
    unzip, check = shutil.which("unzip"), shutil.which("sha256sum")
    assert unzip is not None
    assert check is not None
    subprocess.run([unzip, "-q", bench.out, "-d", folder], check=True)
    found = subprocess.run(
        [check, "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=True
    )
    assert found.stdout.count(b": OK\n") == len(names) + 1


def test_what_a_worker_of_the_version_before_has_packed_is_fetched_again() -> None:
    receipt = Receipt("a" * 64, None, None, 0).text()
    old, new = done(0, "a.bin"), done(1, "b/data/b.bin")._replace(receipt=receipt)
    remembered = Remembered(done=(old, new), open=(opened(2),))
    assert ArchiveManifest(Manifest.NONE, "b").known(remembered) == remembered
    assert ArchiveManifest(Manifest.SUMS, "b").known(remembered).open == remembered.open
    assert ArchiveManifest(Manifest.BAGIT, "b").known(remembered) == Remembered(done=(new,))
