"""scalesim: the layers as a topology file of SCALE-Sim v3, with their sparsity.

Source: github.com/scalesim-project/SCALE-Sim, version 3.0.0, commit 1d62b68: scalesim/topology_utils.py (the columns)
and scalesim/compute/operand_matrix.py (what N:M means).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uticket.base.files import write_text
from uticket.exchange.format import Format, Source, Written
from uticket.ticket.layer import Layer

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Sparsity,"


def write_scalesim(source: Source, out: Path) -> Written:
    """Write a row for each layer, or for each group of one: one timestep, as a dense layer with N:M sparse filters.

    SCALE-Sim pads nothing and takes a stride for both sides, so inputs are given as large as the filters reach.
    """
    layers, left_out = source.choose(not_dense)
    found = [row for layer in layers for row in rows(layer, source.ticket.mask[layer.name])]
    write_text(out, "\n".join([HEADER, *found]) + "\n")
    return Written(f"{len(found)} rows, one timestep", left_out)


def not_dense(layer: Layer) -> str:
    """Say what keeps a layer from being one or more dense convolutions with one stride; empty if nothing does."""
    if layer.dilation != (1, 1):
        return f"dilation {layer.dilation}"
    return f"strides {layer.stride}" if layer.stride[0] != layer.stride[1] else ""


def rows(layer: Layer, mask: NDArray[np.bool_]) -> list[str]:
    """Return the row of each group of a layer.

    N:M is the weights that a filter keeps, their mean rounded up and at least 1, of those that it has: SCALE-Sim then
    skips M - N of the M rows of its array, the same ones for all filters.
    """
    reach = [(out - 1) * layer.stride[0] + side for out, side in zip(layer.output_size, layer.kernel, strict=True)]
    filters, channels = layer.filters // layer.groups, layer.channels // layer.groups
    found = []
    for group, part in enumerate(np.split(mask, layer.groups)):
        ratio = f"{max(-(-int(part.sum()) // filters), 1)}:{part[0].size}"
        values = [plain_name(layer, group), *reach, *layer.kernel, channels, filters, layer.stride[0], ratio]
        found.append(", ".join(map(str, values)) + ",")
    return found


def plain_name(layer: Layer, group: int) -> str:
    """Return a name without what SCALE-Sim takes for something else: commas, and DP, its word for depthwise."""
    name = layer.name.replace(",", "_").replace("DP", "dp")
    return name if layer.groups == 1 else f"{name}.group{group}"


FORMATS = {"scalesim": Format((".csv",), write_scalesim)}
