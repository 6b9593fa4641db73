"""In which layout a pruned network trains fastest."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import nn

from uticket.engine.layout import BatchFirst, Layout

SPARSE_BELOW = 0.08  # density up to which kept weights alone are faster: benchmarks/results/sparse.json


def choose_layout(
    convolutions: Mapping[str, nn.Conv2d], masks: Mapping[str, NDArray[np.bool_]], positions: Mapping[str, int]
) -> Layout:
    """Return the layout in which a pruned network trains fastest on the CPU.

    convolutions, masks, output positions: by layer. It is BatchLast if more than half of the dense work is in layers
    that are sparse enough. The density at which that pays was measured once and is fixed, so that results do not depend
    on how busy the machine is.
    """
    work = {name: mask.size * positions[name] for name, mask in masks.items() if name in convolutions}
    sparse = [name for name in work if masks[name].mean() < SPARSE_BELOW and _supported(convolutions[name])]
    if sum(work[name] for name in sparse) <= sum(work.values()) / 2:
        return BatchFirst()
    from uticket.engine.batch_last import BatchLast  # imported here: numba only where it is used
    from uticket.engine.sparse import KeptWeights

    kept = {}
    for name in sparse:
        module = convolutions[name]
        kept[module] = KeptWeights.of(masks[name], module.stride[0], int(module.padding[0]))
    return BatchLast(kept)


def _supported(module: nn.Conv2d) -> bool:
    square = len(set(module.stride)) == len(set(module.padding)) == 1
    return square and module.bias is None and math.prod(module.dilation) == module.groups == 1
