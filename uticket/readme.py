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
    """Write the results into README.md. Raises InputError if the summary or the markers are not there."""
    write_between(path, BEGIN, END, results_markdown(summary_path))


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two markers of a Markdown file. Raises InputError if they are not there."""
    try:
        whole = path.read_text()
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, came: {error.strerror}") from None
    before, found_begin, rest = whole.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise InputError(f"{path}: expected the markers {begin} and {end}, came none")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
