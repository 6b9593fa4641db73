"""The spike sparsity that was measured over all test images when a ticket was trained (activity.csv)."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from uticket.base.errors import InputError
from uticket.base.files import read_rows


def measured_sparsity(path: Path, layers: Iterable[str]) -> dict[str, float]:
    """Return the share of the inputs without a spike, in [0, 1], of the layers of that name.

    path: activity.csv. Raises InputError, naming the file, if it is missing, a share is missing or none, or a layer is
    in it twice.
    """
    cells = dict[str | None, str | None]()
    for row in read_rows(path):
        name = row.get("layer")
        if name in cells:
            raise InputError(f"{path}: expected one row of the layer {name!r}, got two")
        cells[name] = row.get("spike_sparsity")
    return {name: _share(path, name, cells.get(name)) for name in layers}


def _share(path: Path, layer: str, cell: str | None) -> float:
    with suppress(ValueError):
        share = float(cell or "")
        if 0 <= share <= 1:
            return share
    raise InputError(f"{path}: expected a spike_sparsity in [0, 1] of the layer {layer!r}, got {cell or 'none'}")
