"""Views: what a person sees of each state, and can do about it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.statuses import STATUSES

from packmule.web.no_script_pages import FORMS, NEED_SCRIPT
from packmule.web.views import TABLE, view_of

TONES = {"busy", "good", "warn", "bad", "quiet"}
AS_LINKS = {"download", "new"}
"""Actions that are links on the pages without JavaScript."""


def test_every_view_is_reached_by_a_status() -> None:
    assert {view_of(each).name for each in STATUSES.values()} == set(TABLE)


@pytest.mark.parametrize("name", STATUSES)
def test_the_view_of_a_status_is_the_one_it_is_named_after(name: str) -> None:
    view = view_of(STATUSES[name])
    assert view.name == name.partition(",")[0]
    assert view.tone in TONES


def test_nothing_is_finished_that_has_no_files() -> None:
    assert "finish" not in view_of(STATUSES["failed, nothing packed"]).actions
    assert "finish-now" not in view_of(STATUSES["packing, nothing done"]).actions
    assert view_of(STATUSES["failed"]).actions[0] == "finish"


def test_only_links_that_failed_are_fixed() -> None:
    status: dict[str, Any] = STATUSES["failed"]
    assert "fix" in view_of(status).actions
    assert "fix" not in view_of(status | {"failures": []}).actions


def test_every_action_has_its_place_without_javascript_or_needs_it() -> None:
    actions = {action for row in TABLE.values() for action in row["actions"]}
    assert actions == {*FORMS, *NEED_SCRIPT, *AS_LINKS}
