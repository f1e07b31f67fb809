"""`python -m tests.browser.run`: every test of the page in its browsers, and one line of figures.

What else is given goes to pytest, as in `make browser ARGS="-k keyboard"`.
"""

from __future__ import annotations

import sys
from collections import Counter

import pytest


class Figures:
    """Counts outcomes, and what tests have noted of themselves by `record_property`."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test."""
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome] += 1
        if report.when == "call":
            self.noted.update(
                {str(name): int(str(value)) for name, value in report.user_properties}
            )


def main() -> None:
    """Run the tests; exit as pytest does."""
    figures = Figures()
    code = pytest.main(
        ["-q", "--no-header", "-m", "", "tests/browser", *sys.argv[1:]], plugins=[figures]
    )
    outcomes, noted = figures.outcomes, figures.noted
    sys.stdout.write(
        f"browser: {outcomes['passed']} of {outcomes.total()} passed; "
        f"axe: {noted['axe_violations']} violations in {noted['axe_states']} states; "
        f"{noted['files']:,} files: {noted['rows']} rows in the document; "
        f"{noted['links']:,} links checked alike by page and server\n"
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
