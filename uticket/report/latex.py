"""Tables for a paper: LaTeX with the rules of the package booktabs."""

from collections.abc import Sequence

from uticket.base.files import Row
from uticket.base.text import TextTable, text_table
from uticket.report.paired import differences, listing
from uticket.report.run import Run
from uticket.report.savings import results
from uticket.report.section import Listing
from uticket.report.tables import Tables

TABLES = {
    "models": Listing("", "models", "method model latency_cycles latency_saved_pct pe_pj pe_energy_saved_pct"),
    "layers": Listing("", "layers", "method layer utilization nonzeros latency_cycles"),
    "quantized": Listing("", "quantized", "method weight_bits quantizer accuracy utilization latency_cycles"),
    "mappings": Listing("", "mappings", "method mapping utilization latency_cycles"),
}


def latex_tables(tables: Tables, run: Run) -> dict[str, str]:
    """Return a tabular environment for each table that has rows, by the name of its file."""
    found = {"results": results(tables.rounds, run.baseline)}
    found |= {name: part.rows(tables) for name, part in TABLES.items()}
    found["differences"] = listing(differences(tables, run), run.baseline)
    note = f"% ±: one standard deviation over the seeds {', '.join(map(str, run.seeds))}\n" if run.seeds else ""
    return {name: note + latex(rows) for name, rows in found.items() if rows}


def latex(rows: Sequence[Row]) -> str:
    """Return rows as a tabular environment; needs booktabs. The first column is text."""
    return tabular(text_table(rows))


def tabular(table: TextTable) -> str:
    """Return a table as a tabular environment; needs booktabs."""
    import pandas as pd  # takes longer to load than all the rest of the report

    shown = pd.DataFrame(table.rows, columns=table.headings)
    style = shown.style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis="columns")
    columns = "l" * table.texts + "r" * (len(table.headings) - table.texts)
    text: str = style.to_latex(hrules=True, column_format=columns)
    return text.replace(" ± ", r" $\pm$ ").replace("\u2212", "$-$")
