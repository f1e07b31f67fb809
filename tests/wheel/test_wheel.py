"""What is to be published is built, holds what it needs, and asks for no more than it must."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest
from tests.house.tree import files_under
from tests.wheel import run as wheel_test
from tests.wheel.environments import build, pythons

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("dist"))


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(
    built: tuple[Path, Path],
) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == {str(path.relative_to("src")) for path in files_under("src")}
    assert "packmule/py.typed" in inside


def test_the_sdist_has_what_a_wheel_is_built_from(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        tops = {name.split("/")[1] for name in sdist.getnames() if "/" in name}
    assert {"src", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= tops
    assert tops & {"tests", "bench", "docs"} == set()


def test_without_extras_nothing_of_the_server_is_asked_for(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        [name] = [each for each in wheel.namelist() if each.endswith("/METADATA")]
        metadata = Parser().parsestr(wheel.read(name).decode())
    wanted = metadata.get_all("Requires-Dist") or []
    plain = {each.split(">")[0] for each in wanted if "extra ==" not in each}
    assert plain == {"certifi", "click", "httpx", "idna", "isal", "pycurl", "zlib-ng"}
    extras = set(metadata.get_all("Provides-Extra") or [])
    assert extras == {"server", "s3", "postgres", "otel", "all"}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_it_works_in_fresh_environments() -> None:
    assert pythons()
    try:
        wheel_test.main()
    except subprocess.TimeoutExpired as error:  # no registry answers
        pytest.fail(f"{error}")
