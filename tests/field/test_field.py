"""Each field case that is quick, in this process. `make field` plays all against the program."""

from __future__ import annotations

import pytest
from tests.field.case import Case, Field
from tests.field.cases import CASES
from tests.field.document import table
from tests.house.generated import assert_holds

QUICK = [each for each in CASES if not each.slow]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_what_real_servers_send_is_handled(case: Case) -> None:
    case.play(Field(as_program=False))


def test_the_document_lists_every_case() -> None:
    assert_holds("docs/field-cases.md", table(), suite="tests/field")
