"""The version stands in one place; whatever else names it agrees."""

from __future__ import annotations

import json
import re

import yaml  # type: ignore[import-untyped]
from tests.house.tree import read

import packmule


def test_everything_that_names_the_version_agrees() -> None:
    chart = yaml.safe_load(read("deploy/helm/packmule/Chart.yaml"))
    newest = re.findall(r"^## (\d+\.\d+\.\d+)", read("CHANGELOG.md"), re.MULTILINE)[0]
    [tag] = re.findall(r"image\.tag=(\S+)", read("docs/kubernetes.md"))
    named = {
        "Chart.yaml, version": chart["version"],
        "Chart.yaml, appVersion": chart["appVersion"],
        "docs/openapi.json": json.loads(read("docs/openapi.json"))["info"]["version"],
        "CHANGELOG.md": newest,
        "docs/kubernetes.md": tag,
    }
    assert named == dict.fromkeys(named, packmule.__version__)


def test_changes_after_the_newest_version_have_a_place() -> None:
    headings = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
