"""Split archives on the command line: how they are asked for, shown and fetched."""

from __future__ import annotations

import json
import random
import zipfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.fakes.either_client import KINDS, EitherClient

from packmule.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

BODIES = {f"{n}.bin": random.Random(n).randbytes(600_000) for n in range(2)}


def run(service: Service, *arguments: str) -> Result:
    env = {"PACKMULE_SERVER": service.url, "PACKMULE_API_KEY": None}
    return CliRunner().invoke(main, list(arguments), env=env)


def links(origin: Origin) -> list[str]:
    """Put the files on the origin; one of them fits into a part of 1 MB."""
    return [origin.put(f"/split-commands/{name}", body) for name, body in BODIES.items()]


def test_an_archive_is_split_by_the_size_of_its_parts(service: Service, origin: Origin) -> None:
    ended = run(service, "create", *links(origin), "--max-part-size", "1MB", "--wait")
    assert ended.exit_code == 0, ended.stderr
    archive_hash, said, *shown = ended.stdout.splitlines()
    assert said.startswith("completed in 2 parts: ")
    document = json.loads(run(service, "status", archive_hash, "--json").stdout)
    assert shown == [part["url"] for part in document["parts"]]


def test_parts_that_are_too_small_are_refused_by_the_options_name(service: Service) -> None:
    ended = run(service, "create", "http://example.org/", "--max-part-size", "999999")
    assert ended.exit_code == 2
    assert "\n--max-part-size: " in ended.stderr


@pytest.fixture(scope="module")
def archive(service: Service, origin: Origin) -> str:
    return service.completed(*links(origin), max_part_bytes=1_000_000)


def files_in(*paths: Path) -> dict[str, bytes]:
    """Give what is in all of the archives together."""
    found: dict[str, bytes] = {}
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            found |= {name: archive.read(name) for name in archive.namelist()}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_client_fetches_every_part_or_downloads_one(
    service: Service, archive: str, tmp_path: Path, kind: str
) -> None:
    client = EitherClient(kind, service.url)
    done = client.fetch(archive, tmp_path / "all.zip")
    assert done.paths == (tmp_path / "all-1.zip", tmp_path / "all-2.zip")
    assert set(tmp_path.iterdir()) == set(done.paths)
    assert files_in(*done.paths) == BODIES
    assert done.size == sum(path.stat().st_size for path in done.paths)
    second = tmp_path / "second.zip"
    client.download(archive, second, part=2)
    assert second.read_bytes() == done.paths[1].read_bytes()


def test_the_command_fetches_every_part_and_lists_the_files(
    service: Service, archive: str, tmp_path: Path
) -> None:
    out = tmp_path / "all.zip"
    done = run(service, "fetch", archive, "-o", str(out))
    assert done.exit_code == 0, done.stderr
    first, second = tmp_path / "all-1.zip", tmp_path / "all-2.zip"
    sizes = [path.stat().st_size for path in (first, second)]
    assert done.stdout.splitlines() == [
        f"{first}: {sizes[0]:,} bytes",
        f"{second}: {sizes[1]:,} bytes",
        f"2 parts: {sum(sizes):,} bytes",
    ]
    assert files_in(first, second) == BODIES
    again = run(service, "fetch", archive, "-o", str(out))
    assert again.exit_code == 2
    assert f"{first} already exists" in again.stderr
    forced = run(service, "fetch", archive, "-o", str(out), "--force", "--json")
    assert json.loads(forced.stdout)["archives"] == [str(first), str(second)]
