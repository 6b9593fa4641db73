"""The small tables that stages hand on, as CSV."""

from pathlib import Path

import pandas as pd

from uticket.errors import InputError


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file. Raises InputError, naming the file, if it is missing or damaged."""
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a table, came: {error}; run the stage that writes it") from None
