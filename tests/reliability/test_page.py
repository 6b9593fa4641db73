"""Every case of docs/reliability.md ends as the page says: with that line and that exit code, and nothing has run."""

import pytest

from tests.helpers import between
from tests.reliability.cases import CASES, Case, groups, row, words
from tests.reliability.page import BEGIN, END, PAGE

TABLES = between(PAGE, BEGIN, END)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.make.__name__)
def test_a_case_ends_as_the_page_says(case: Case):
    assert row(case) in TABLES.splitlines(), "python -m tests.reliability.page writes the page"


def test_the_page_has_these_cases_and_no_others():
    rows = [line for line in TABLES.splitlines() if line.startswith("| ") and not line.startswith("| there is |")]
    in_order = [found for group in groups() for found in CASES if found.group == group]
    for line, found in zip(rows, in_order, strict=True):
        assert line.startswith(f"| {words(found)} | ")
    assert len(CASES) >= 50
    assert len({found.make.__name__ for found in CASES}) == len(CASES)
