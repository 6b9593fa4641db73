"""Pruning: which of the weights that are left are removed in a round."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uticket.base.files import Weights
from uticket.prune.select import largest
from uticket.ticket.mask import Mask


def prune(mask: Mask, weights: Weights, fraction: float, scope: Literal["global", "layer"]) -> Mask:
    """Remove the `fraction` of the kept weights that is smallest in magnitude.

    weights: layer name -> array of the shape of the mask's. fraction: in [0, 1); the number removed is rounded to the
    nearest whole weight, counted over all layers (scope `global`) or in each layer (scope `layer`).
    Among equal magnitudes the one of the lower index (layer order, then C order) is kept.
    Returns a new mask. Raises ValueError, naming the layer, on another shape or on NaN or infinite weights.
    Source: Yin et al. 2024, Algorithm 1, line 5.
    """
    magnitudes = {name: _magnitudes(name, kept, weights[name]) for name, kept in mask.items()}
    if scope == "layer":
        stays = {name: _without_smallest(values, fraction) for name, values in magnitudes.items()}
    else:
        together = _without_smallest(np.concatenate(list(magnitudes.values())), fraction)
        ends = np.cumsum([values.size for values in magnitudes.values()])[:-1]
        stays = dict(zip(magnitudes, np.split(together, ends), strict=True))
    return Mask({name: _narrowed(kept, stays[name]) for name, kept in mask.items()})


def _magnitudes(name: str, kept: NDArray[np.bool_], weights: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return |weight| of the kept weights, in C order."""
    if weights.shape != kept.shape:
        raise ValueError(f"layer {name!r}: expected weights of shape {kept.shape}, came {weights.shape}")
    magnitudes: NDArray[np.floating] = np.abs(weights[kept])
    if not np.isfinite(magnitudes).all():
        raise ValueError(f"layer {name!r}: expected finite weights, came NaN or infinity")
    return magnitudes


def _without_smallest(magnitudes: NDArray[np.floating], fraction: float) -> NDArray[np.bool_]:
    return largest(magnitudes, magnitudes.size - round(fraction * magnitudes.size))


def _narrowed(kept: NDArray[np.bool_], stays: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `kept` without the kept weights that do not stay."""
    narrowed = np.zeros_like(kept)
    narrowed[kept] = stays
    return narrowed
