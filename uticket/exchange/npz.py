"""npz: masks and weights by layer, for numpy."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from uticket.exchange.format import Format, Source, Written
from uticket.foreign.write import write_arrays


def write_npz(source: Source, out: Path) -> Written:
    """Write NAME.mask (booleans) of every layer, and NAME.weight (floating, masked) of those whose weights are known.

    Shapes are those of the layers: (filters, channels / groups, height, width) or (outputs, inputs).
    """
    weights = source.weights if source.ticket.weights is not None else {}
    arrays: dict[str, NDArray[Any]] = {f"{name}.mask": mask for name, mask in source.ticket.mask.items()}
    arrays |= {f"{name}.weight": values for name, values in weights.items()}
    write_arrays(out, arrays)
    return Written(f"{len(source.ticket.mask)} masks, {len(weights)} layers with weights")


FORMATS = {"npz": Format((".npz",), write_npz)}
