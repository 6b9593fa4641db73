"""The tables of docs/reliability.md, written by `python -m tests.reliability.page`."""

from tests.helpers import ROOT
from tests.reliability import arrays, folders, images  # noqa: F401 # their cases
from tests.reliability.cases import CASES, groups, row
from uticket.report.readme import write_between

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- cases -->", "<!-- end of cases -->"
HEAD = "| there is | command | exit code | it says |\n|---|---|---:|---|"


def tables() -> str:
    """All cases, a table for each group."""
    parts = []
    for group in groups():
        rows = [row(found) for found in CASES if found.group == group]
        parts.append("\n".join([f"### {group}", "", HEAD, *rows]))
    return "\n\n".join(["", *parts, ""])


if __name__ == "__main__":
    write_between(PAGE, BEGIN, END, tables())
