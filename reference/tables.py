"""docs/tables.md: every table and JSON file that a run writes, and what is in it, with units."""

import csv
from collections.abc import Sequence
from pathlib import Path

from reference.answers import ANSWERS
from reference.documents import DOCUMENTS
from reference.files import TABLES
from reference.markdown import code, made_by, plain, table
from uticket.config.columns import KEYS, KINDS, documented

HEAD = """# Tables and JSON files

Every CSV and JSON file that the pipeline writes, and every column and key in them with its unit. A name means the same
wherever it is, in Python and in `--json` too; [glossary.md](glossary.md) explains the terms. Fractions lie in [0, 1],
PE-cycles are summed over the PEs, and E_d is the dynamic energy of a PE for one input spike. A `*` stands for names."""
ABOUT_ANSWERS = """`audit`, `balance`, `simulate` and `rivals` print one object with `--json`. It has the settings that
were used ([parameters.md](parameters.md#hw); `hw.layers` is `on_pes`), and an entry of `layers` for each layer with the
same keys as `network`: columns of the tables above, and those below. LAYER stands for both."""
COSTS = "simulation/METHOD/layers.csv"  # has what the simulator counts, which other tables have too


def page(root: Path) -> str:
    """Return the page."""
    costs = [name for name in columns(root, COSTS) if name not in KEYS]
    rows = [[code(place), found.rows, named(columns(root, place), costs)] for place, found in TABLES.items()]
    parts = [made_by("python -m reference", "uticket/config/columns.py and the committed tables"), HEAD]
    parts += ["## Tables", table(["file", "a row for each", "columns"], rows)]
    parts += [f"**Costs** are what the simulator counts: {named(costs)}.", "## Columns"]
    for kind, found in KINDS.items():
        rows = [[code(name), plain(column.meaning), column.unit] for name, column in found.items()]
        parts += [f"### {kind}", table(["column", "meaning", "unit"], rows)]
    parts.append("## JSON files")
    for place, document in DOCUMENTS.items():
        rows = [[code(name), plain(key.meaning), key.unit] for name, key in document.keys.items()]
        parts += [f"### {place}", document.meaning, *([table(["key", "meaning", "unit"], rows)] if rows else [])]
    rows = [[code(name), plain(key.meaning), key.unit] for name, key in ANSWERS.items()]
    parts += ["## Answers of commands", ABOUT_ANSWERS, table(["key", "meaning", "unit"], rows)]
    return "\n\n".join(parts) + "\n"


def columns(root: Path, place: str) -> list[str]:
    """Return the columns of a table as they are documented: those of the committed example, or of the code."""
    names = TABLES[place].columns or header(root / TABLES[place].example)
    return list(dict.fromkeys(map(documented, names)))


def header(path: Path) -> list[str]:
    """Return the columns of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def named(names: Sequence[str], costs: Sequence[str] = ()) -> str:
    """Return columns as text; those that all costs are among are called so."""
    together = bool(costs) and set(costs) <= set(names)
    shown = [code(name) for name in names if not together or name not in costs]
    return ", ".join([*shown, *(["**costs**"] if together else [])])
