"""Every library that the program imports is required, by the program or by the extra it names."""

from __future__ import annotations

import ast
import sys
import tomllib

from tests.house.tree import files_under, parse, read

from packmule.cli import EXTRAS

# Import name: the distribution's, where they differ.
DISTRIBUTIONS = {
    "opentelemetry": "opentelemetry-sdk",
    "prometheus_client": "prometheus-client",
    "zlib_ng": "zlib-ng",
    # What another one brings.
    "anyio": "httpx",
    "botocore": "boto3",
    "markupsafe": "jinja2",
    "pydantic": "fastapi",
    "pydantic_core": "fastapi",
    "starlette": "fastapi",
    "urllib3": "boto3",
}


def imported() -> set[str]:
    """List the top-level names that the program imports and neither Python nor it has."""
    names = set()
    for path in files_under("src", suffixes=frozenset({".py"})):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Import):
                names |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"packmule", "mypy_boto3_s3"}  # types only


def required() -> dict[str, str]:
    """Return the extra that each distribution belongs to, '' where every installation has it."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {
        line.split(">")[0].partition("[")[0]: extra
        for extra, lines in groups.items()
        if extra != "all"
        for line in lines
    }


def test_every_library_that_is_imported_is_required_by_the_extra_that_the_error_names() -> None:
    extras = required()
    found = {name: extras.get(DISTRIBUTIONS.get(name, name)) for name in imported()}
    assert found == {name: EXTRAS.get(name, "") for name in imported()}
    assert EXTRAS.keys() <= imported()


def test_all_is_every_extra() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = [name for name in project["optional-dependencies"] if name != "all"]
    assert project["optional-dependencies"]["all"] == [f"packmule[{','.join(extras)}]"]


def test_the_image_and_the_clone_have_what_a_fleet_needs() -> None:
    assert "EXTRAS := server,s3,postgres\n" in read("Makefile")
    assert '"packmule[server,s3,postgres${EXTRAS:+,$EXTRAS}]"' in read("Dockerfile")
