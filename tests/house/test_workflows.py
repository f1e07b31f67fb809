"""Workflows run what is pinned, and may do no more than they need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]
from tests.house.tree import files_under, read

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = [path for path in files_under(".github") if path.parts[1] == "workflows"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=str)
def test_every_action_is_pinned_by_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (.+)", read(workflow))
    assert used
    pinned = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [each for each in used if not pinned.fullmatch(each)] == []


def test_an_action_is_pinned_at_one_commit_everywhere() -> None:
    pins = {
        (action.partition("@")[0].split("/")[1], action.partition("@")[2])
        for workflow in WORKFLOWS
        for action in re.findall(r"uses: (\S+)", read(workflow))
    }
    assert len({name for name, _ in pins}) == len(pins)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=str)
def test_a_workflow_may_only_read_unless_a_job_needs_more(workflow: Path) -> None:
    document = yaml.safe_load(read(workflow))
    assert document["permissions"] in ({}, {"contents": "read"})
    assert "pull_request_target" not in read(workflow)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=str)
def test_a_job_ends_and_leaves_no_token_behind(workflow: Path) -> None:
    for job in yaml.safe_load(read(workflow))["jobs"].values():
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
