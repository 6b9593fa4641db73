"""Weights as a chip stores them: rounded to a few bits, which sets small ones to zero."""

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from uticket.config.array import Quantizer

QUANTIZERS: tuple[Quantizer, ...] = get_args(Quantizer)


def quantize(
    weights: NDArray[np.floating], kept: NDArray[np.bool_], bits: int, quantizer: Quantizer = "plain"
) -> tuple[NDArray[np.int32], float]:
    """Round the weights of one layer to whole steps.

    kept: the mask of the layer, of the shape of its weights. bits: 2 to 16; the levels lie in -(2^(bits-1) - 1) ..
    2^(bits-1) - 1, and the largest magnitude gets the last one. With `plain` a weight below half a step becomes 0,
    which undoes the balance of a ticket; with `keep_mask` a kept weight has at least one step, with its sign.
    Returns the levels and the step: the rounded weight is level * step.
    """
    most = 2 ** (bits - 1) - 1
    values = np.where(kept, weights, 0).astype(np.float64)
    step = float(np.abs(values).max(initial=0.0)) / most or 1.0
    levels = np.rint(values / step).astype(np.int32)
    if quantizer == "keep_mask":
        lost = kept & (levels == 0)
        levels[lost] = np.where(values[lost] < 0, -1, 1)
    return levels, step


def stored(
    weights: NDArray[np.floating], kept: NDArray[np.bool_], bits: int, quantizer: Quantizer = "plain"
) -> NDArray[np.bool_]:
    """Return which weights of one layer a chip stores: those that are kept and not rounded to zero."""
    levels, _ = quantize(weights, kept, bits, quantizer)
    not_zero: NDArray[np.bool_] = levels != 0
    return not_zero
