"""The answer of `uticket compare`: tables and sentences, in one of the formats."""

from collections.abc import Iterator, Sequence
from textwrap import fill

from uticket.base.errors import listed, shortened
from uticket.base.files import Row
from uticket.base.text import TextTable, in_width, markdown, plain
from uticket.comparing.comparison import Comparison, compare
from uticket.comparing.kinds import PARAMS, RESULTS
from uticket.comparing.repository import Repository
from uticket.comparing.results import Results
from uticket.comparing.settings import compare_settings
from uticket.comparing.tables import differences_table, revisions_table, settings_table, values_table

UNITS = "percentages in points, the other numbers in percent of what they were"
SPREAD = "±: standard deviation over seeds. [low, high]: 95 % confidence interval of a difference, paired by seed"
CHANCE = "One seed of each revision: the spread over seeds is unknown, and may be larger than the differences"
Block = TextTable | str


def answer(repository: Repository, results: Sequence[Results], table: str, methods: Sequence[str]) -> list[Block]:
    """Return what differs between revisions, the first of which is the base, as tables and sentences.

    table: `results`, with the settings before it, `params` for these alone, or a table of the report, of which rows are
    shown that differ. Raises InputError as `compare` does.
    """
    found: list[Block] = [revisions_table(repository, results)]
    found += notes(results)
    if table in (PARAMS, RESULTS):
        found += _settings(results)
    if table != PARAMS:
        comparison = compare(results, table, methods)
        found += _numbers(comparison, comparison if table == RESULTS else comparison.different())
    return found


def _settings(results: Sequence[Results]) -> Iterator[Block]:
    settings = compare_settings(results)
    yield settings_table(settings, results) if settings.values else "No setting differs."
    if settings.unknown:
        yield f"Left out, settings that not every revision has: {listed(settings.unknown, most=6)}."


def _numbers(comparison: Comparison, shown: Comparison) -> Iterator[Block]:
    """Return the tables of a comparison. shown: the same without rows that are left out."""
    different = comparison.different()
    if shown.entries and comparison.columns:
        yield values_table(shown)
    if not different.entries:
        yield "No number differs."
    elif any(entry.differences for entry in different.entries):
        yield f"Differences to {shortened(comparison.revisions[0])}, {UNITS}:"
        yield differences_table(different)
        yield f"{SPREAD if comparison.has_seeds else CHANCE}."
    if equal := comparison.num_keys - shown.num_keys:
        yield f"Left out, rows that are equal in every revision: {equal} of {comparison.num_keys}."
    if comparison.left_out:
        yield f"Left out, columns that one revision alone has: {listed(comparison.left_out, most=6)}."


def records(results: Sequence[Results], table: str, methods: Sequence[str]) -> list[Row]:
    """Return a comparison as tidy rows, with all columns of a table of the report. Errors as of `compare`."""
    if table == PARAMS:
        names = [result.name for result in results]
        values = compare_settings(results).values
        return [
            {"setting": key, "revision": name, "value": text}
            for key in values
            for name, text in zip(names, values[key], strict=True)
        ]
    return compare(results, table, methods, every_column=table != RESULTS).records()


def notes(results: Sequence[Results]) -> list[str]:
    """Return what is odd about the results, a line for each."""
    return [note for result in results for note in result.notes]


def as_text(blocks: Sequence[Block], width: int) -> str:
    """Return blocks for a terminal of `width` characters."""
    pieces = [piece for block in blocks for piece in ([block] if isinstance(block, str) else in_width(block, width))]
    return "\n\n".join(fill(piece, width) if isinstance(piece, str) else plain(piece) for piece in pieces)


def as_markdown(blocks: Sequence[Block]) -> str:
    """Return blocks in Markdown."""
    return "\n\n".join(block if isinstance(block, str) else markdown(block) for block in blocks)


def as_latex(blocks: Sequence[Block]) -> str:
    """Return blocks in LaTeX: tabular environments, which need booktabs, and comments."""
    from uticket.report.latex import tabular  # loads matplotlib and pandas

    return "\n".join(f"% {block}" if isinstance(block, str) else tabular(block) for block in blocks)
