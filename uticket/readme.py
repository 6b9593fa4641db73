"""The table of results in README.md, written from summary.json so that nobody copies numbers by hand."""

import json
from pathlib import Path

from uticket.errors import InputError
from uticket.report.page import findings, summary_table, text_table

BEGIN, END = "<!-- results: written by `make readme` -->", "<!-- end of results -->"


def results_markdown(summary_path: Path) -> str:
    """Return summary.json as a Markdown table, with what each method saves."""
    try:
        summary = json.loads(summary_path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{summary_path}: expected the summary of a run, came: {error}") from None
    table = text_table(summary_table(summary))
    lines = [table.headings, ["---", *["---:"] * (len(table.headings) - 1)], *table.rows]
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([*rows, "", *findings(summary)])


def update_readme(path: Path, summary_path: Path) -> None:
    """Replace what stands between the two markers of a Markdown file. Raises InputError if they are not there."""
    try:
        text = path.read_text()
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, came: {error.strerror}") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{path}: expected the markers {BEGIN} and {END}, came none")
    path.write_text(f"{before}{BEGIN}\n{results_markdown(summary_path)}\n{END}{after}")
