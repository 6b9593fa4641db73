"""Compiled passes over the rows of a block of four filters, for one position that they keep or for four.

`out` and `x` are the activations of all filters and of all channels, flat: a slice of them would count references,
which costs more than the work on a short row. Filter i of the block has its row from out[to[i]] on, a position from
x[of] on, and weight[k, i] joins the two. What a pass adds to is in its name; the other two are read.
"""

import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiling
from uticket.engine.sparse_loops import SUMS

Floats = NDArray[np.float32]
Four = tuple[np.uint64, np.uint64, np.uint64, np.uint64]  # an index with a sign would keep the compiler from vectors
Weights = tuple[np.float32, np.float32, np.float32, np.float32]
FUSED = {"contract"}  # products join their sum one after another, in the order written


@compiling(fastmath=FUSED)
def four_to_output(out: Floats, to: Four, x: Floats, of: Four, weight: Floats, k: int, length: np.uint64) -> None:
    """Add four weighted rows of the input, for the positions from k on, to the rows of the filters."""
    a, b, c, d = _of(weight, k), _of(weight, k + 1), _of(weight, k + 2), _of(weight, k + 3)
    for i in range(length):
        p, q, r, s = x[of[0] + i], x[of[1] + i], x[of[2] + i], x[of[3] + i]
        out[to[0] + i] = out[to[0] + i] + a[0] * p + b[0] * q + c[0] * r + d[0] * s
        out[to[1] + i] = out[to[1] + i] + a[1] * p + b[1] * q + c[1] * r + d[1] * s
        out[to[2] + i] = out[to[2] + i] + a[2] * p + b[2] * q + c[2] * r + d[2] * s
        out[to[3] + i] = out[to[3] + i] + a[3] * p + b[3] * q + c[3] * r + d[3] * s


@compiling(fastmath=FUSED)
def one_to_output(out: Floats, to: Four, x: Floats, of: np.uint64, weight: Floats, k: int, length: np.uint64) -> None:
    """Do what `four_to_output` does for one position."""
    a = _of(weight, k)
    for i in range(length):
        p = x[of + i]
        out[to[0] + i] = out[to[0] + i] + a[0] * p
        out[to[1] + i] = out[to[1] + i] + a[1] * p
        out[to[2] + i] = out[to[2] + i] + a[2] * p
        out[to[3] + i] = out[to[3] + i] + a[3] * p


@compiling(fastmath=FUSED)
def four_to_input(out: Floats, to: Four, x: Floats, of: Four, weight: Floats, k: int, length: np.uint64) -> None:
    """Add the weighted rows of the filters to four rows of the input."""
    a, b, c, d = _of(weight, k), _of(weight, k + 1), _of(weight, k + 2), _of(weight, k + 3)
    for i in range(length):
        p, q, r, s = out[to[0] + i], out[to[1] + i], out[to[2] + i], out[to[3] + i]
        x[of[0] + i] = x[of[0] + i] + a[0] * p + a[1] * q + a[2] * r + a[3] * s
        x[of[1] + i] = x[of[1] + i] + b[0] * p + b[1] * q + b[2] * r + b[3] * s
        x[of[2] + i] = x[of[2] + i] + c[0] * p + c[1] * q + c[2] * r + c[3] * s
        x[of[3] + i] = x[of[3] + i] + d[0] * p + d[1] * q + d[2] * r + d[3] * s


@compiling(fastmath=FUSED)
def one_to_input(out: Floats, to: Four, x: Floats, of: np.uint64, weight: Floats, k: int, length: np.uint64) -> None:
    """Do what `four_to_input` does for one position."""
    a = _of(weight, k)
    for i in range(length):
        p, q, r, s = out[to[0] + i], out[to[1] + i], out[to[2] + i], out[to[3] + i]
        x[of + i] = x[of + i] + a[0] * p + a[1] * q + a[2] * r + a[3] * s


@compiling(fastmath=SUMS)
def four_to_weight(out: Floats, to: Four, x: Floats, of: Four, weight: Floats, k: int, length: np.uint64) -> None:
    """Add the sums of products of four rows of the input and the rows of the filters to the gradients in `weight`."""
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = np.float32(0)
    for i in range(length):
        p, q, r, s = out[to[0] + i], out[to[1] + i], out[to[2] + i], out[to[3] + i]
        a, b, c, d = x[of[0] + i], x[of[1] + i], x[of[2] + i], x[of[3] + i]
        a0, a1, a2, a3 = a0 + a * p, a1 + a * q, a2 + a * r, a3 + a * s
        b0, b1, b2, b3 = b0 + b * p, b1 + b * q, b2 + b * r, b3 + b * s
        c0, c1, c2, c3 = c0 + c * p, c1 + c * q, c2 + c * r, c3 + c * s
        d0, d1, d2, d3 = d0 + d * p, d1 + d * q, d2 + d * r, d3 + d * s
    _add_to(weight, k, (a0, a1, a2, a3))
    _add_to(weight, k + 1, (b0, b1, b2, b3))
    _add_to(weight, k + 2, (c0, c1, c2, c3))
    _add_to(weight, k + 3, (d0, d1, d2, d3))


@compiling(fastmath=SUMS)
def one_to_weight(out: Floats, to: Four, x: Floats, of: np.uint64, weight: Floats, k: int, length: np.uint64) -> None:
    """Do what `four_to_weight` does for one position."""
    a0 = a1 = a2 = a3 = np.float32(0)
    for i in range(length):
        a = x[of + i]
        a0, a1 = a0 + a * out[to[0] + i], a1 + a * out[to[1] + i]
        a2, a3 = a2 + a * out[to[2] + i], a3 + a * out[to[3] + i]
    _add_to(weight, k, (a0, a1, a2, a3))


@compiling()
def _of(weight: Floats, k: int) -> Weights:
    return weight[k, 0], weight[k, 1], weight[k, 2], weight[k, 3]


@compiling()
def _add_to(weight: Floats, k: int, sums: Weights) -> None:
    weight[k, 0] += sums[0]
    weight[k, 1] += sums[1]
    weight[k, 2] += sums[2]
    weight[k, 3] += sums[3]
