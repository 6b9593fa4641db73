"""What runs with different seeds have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError
from uticket.config.params import Params, checked_params, read_yaml

# Settings that decide no number of a run; with another baseline the report computes again what is saved.
DECIDE_NOTHING = {"train.save_minutes", "report.title", "report.baseline"}


def shared_settings(params: Params) -> dict[str, Any]:
    """Return every setting that decides a number, by block, except the seed: equal ones make runs that differ in it."""
    excluded: dict[str, Any] = {"seed": True}
    for key in DECIDE_NOTHING:
        block, _, name = key.partition(".")
        excluded.setdefault(block, set()).add(name)
    return params.model_dump(exclude=excluded, warnings=False)


def without_seed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what params.yaml holds, as it was read, without the seed."""
    return {name: value for name, value in values.items() if name != "seed"}


def read_shared(path: Path) -> dict[str, Any] | None:
    """Return the shared settings of a params.yaml without a seed; None if this version has other settings.

    Raises InputError if it is no YAML.
    """
    values = read_yaml(path)
    try:
        return shared_settings(checked_params({**values, "seed": 0}, path))
    except (InputError, TypeError):  # TypeError: no mapping
        return None
