"""Split archives on the command line: how they are asked for, shown and fetched."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from click.testing import CliRunner

from packmule.cli import main

if TYPE_CHECKING:
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
