"""The small tables that stages hand on, as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from uticket.base.errors import InputError


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file. Raises InputError, naming the file, if it is missing or damaged."""
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a table, came: {' '.join(str(error).split())}; run the stage that writes it"
        ) from None


def write_table(path: Path, rows: Sequence[dict[str, Any]], header: Sequence[str]) -> None:
    """Write records as CSV, each number as it is; `header`: the columns of a table without rows."""
    pd.DataFrame(rows, columns=None if rows else list(header), dtype=object).to_csv(path, index=False)
