"""Signs in the values of weights that a mask is not what it seems."""

import math
from collections.abc import Collection, Mapping
from hashlib import sha256
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from uticket.base.arrays import Arrays
from uticket.base.errors import listed

FAR_BELOW = 1e-5  # of the largest magnitude of a layer
SOME = 4096  # of the first values of an array, by which most differ
MANY = 0.01  # of its weights that are not zero; of a normal distribution a thousandth of that is as small


def tiny_weights(weights: Arrays) -> list[str]:
    """Return a note on layers of which many nonzero weights lie far below the rest: pruned, then revived by training.

    It names a threshold between them, a power of ten if one fits.
    """
    shares, lower, upper = {}, 0.0, math.inf
    for name, values in weights.items():
        if values.dtype == np.bool_:
            continue
        magnitudes = np.abs(values[values != 0].astype(np.float64))
        tiny = magnitudes < FAR_BELOW * magnitudes.max(initial=0)
        if tiny.size and tiny.mean() >= MANY:
            shares[name] = float(tiny.mean())
            lower = max(lower, float(magnitudes[tiny].max()))
            upper = min(upper, float(magnitudes[~tiny].min()))
    if not shares:
        return []
    power = 10.0 ** math.ceil(math.log10(lower))
    threshold = power if power < upper else lower
    most = max(shares.values())
    what = f"up to {100 * most:.0f} % of the nonzero weights are below {FAR_BELOW:g} of the largest"
    return [f"{listed(shares)}: {what}; --threshold {threshold:g} counts them as pruned"]


def depthwise(shapes: Mapping[str, tuple[int, ...]], called: Collection[str]) -> tuple[frozenset[str], list[str]]:
    """Return which convolutions are depthwise, (C, 1, height, width), and which may have groups that no file says.

    shapes: of all convolutions in order. Depthwise are those of one channel and C filters after a layer of C filters,
    and those that are `called` so. Others may have groups if they read one channel and are not the first, or a third or
    less of the filters before them, and all their filters are read next.
    """
    found, perhaps, before = set(), [], None
    afterwards = [shape[1] for shape in shapes.values()][1:]
    for (name, (filters, channels, *kernel)), after in zip_longest(shapes.items(), afterwards):
        if channels == 1 and filters > 1 and (before == filters or name in called):
            found.add(name)
        elif channels == 1 and filters > 1 and before not in (None, 1):
            perhaps.append(name)
        elif before and before % channels == 0 and max(kernel) > 1 and after == filters:
            groups = before // channels
            perhaps += [name] if groups > 2 and filters % groups == 0 else []
        before = filters
    return frozenset(found), perhaps


def same_values(weights: Arrays) -> dict[str, str]:
    """Return which arrays repeat an earlier one, value by value: name -> name of the first. Masks are not compared."""
    alike: dict[tuple[tuple[int, ...], bytes], list[str]] = {}
    for name, values in weights.items():
        if not _few_values(values):
            alike.setdefault((values.shape, sha256(values.flat[:SOME].data).digest()), []).append(name)
    first: dict[tuple[tuple[int, ...], str], str] = {}
    repeats = {}
    for name in [name for names in alike.values() if len(names) > 1 for name in names]:
        key = (weights[name].shape, sha256(np.ascontiguousarray(weights[name]).data).hexdigest())
        if first.setdefault(key, name) != name:
            repeats[name] = first[key]
    return {name: repeats[name] for name in weights if name in repeats}


def _few_values(values: NDArray[np.generic]) -> bool:
    """Return whether equal arrays may be chance: masks, and what still has one initial value; at most three values."""
    found, more = values[:0].ravel(), np.unique(values.flat[:SOME])
    while len(found) < len(more) <= 3:  # takes linear time, as sorting all of them would not
        found = more
        more = np.unique(np.concatenate([found, values[~np.isin(values, found)][:SOME]]))
    return len(more) <= 3
