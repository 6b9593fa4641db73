"""In which layout a network trains fastest on the CPU."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import nn

from uticket.engine.blocks import find_blocks
from uticket.engine.layout import BatchFirst, Layout

# densities up to which kept weights alone are faster: benchmarks/results/sparse.json
SPARSE_BELOW = 0.08
BLOCKS_BELOW = 0.2  # where four or more filters keep the same positions
SPIKES_ABOVE = 1_000_000  # products of a layer, for an image, from which it may compute by spikes


def choose_layout(
    convolutions: Mapping[str, nn.Conv2d], masks: Mapping[str, NDArray[np.bool_]], positions: Mapping[str, int]
) -> Layout:
    """Return the layout in which a network trains fastest on the CPU.

    convolutions, masks, output positions: by layer. It is BatchLast if more than half of the dense work is in layers
    that are sparse enough, else BySpikes if some layer is large enough for that. The densities and the size at which
    either pays were measured once and are fixed, so that results do not depend on how busy the machine is.
    """
    work = {name: mask.size * positions[name] for name, mask in masks.items() if name in convolutions}
    sparse = [
        name for name in work if _supported(convolutions[name]) and _sparse_enough(convolutions[name], masks[name])
    ]
    if sum(work[name] for name in sparse) <= sum(work.values()) / 2:
        return _by_spikes([convolutions[name] for name in work if work[name] >= SPIKES_ABOVE])
    from uticket.engine.batch_last import BatchLast  # imported here: numba only where it is used
    from uticket.engine.sparse import KeptWeights

    kept = {}
    for name in sparse:
        module = convolutions[name]
        kept[module] = KeptWeights.of(masks[name], module.stride[0], int(module.padding[0]))
    return BatchLast(kept)


def _by_spikes(convolutions: Iterable[nn.Conv2d]) -> Layout:
    """Return the layout of a network that is not sparse, whose large convolutions are given."""
    from uticket.engine.by_spikes import BySpikes  # imported here: numba only where it is used
    from uticket.engine.spike_conv import computes_by_spikes

    by_spikes = [module for module in convolutions if computes_by_spikes(module)]
    return BySpikes(by_spikes) if by_spikes else BatchFirst()


def _supported(module: nn.Conv2d) -> bool:
    square = len(set(module.stride)) == len(set(module.padding)) == 1
    return square and module.bias is None and math.prod(module.dilation) == module.groups == 1


def _sparse_enough(module: nn.Conv2d, mask: NDArray[np.bool_]) -> bool:
    """Return whether the time of the kept weights, in blocks and alone, is less than that of a dense convolution."""
    in_blocks = mask[find_blocks(mask, module.stride[0])].sum() / mask.size
    alone = mask.sum() / mask.size - in_blocks
    return bool(alone / SPARSE_BELOW + in_blocks / BLOCKS_BELOW < 1)
