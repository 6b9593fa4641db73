"""What was made of somebody's arrays, beside the layers: what was skipped, and what a user should know."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.arrays import Arrays, Lazy
from uticket.base.errors import listed
from uticket.foreign.contents import Skipped


@dataclass(frozen=True)
class Stored:
    """How a file stores the weights of a layer. axes: of the file, in the order of the layer's; shape: in the file."""

    axes: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def readable(self) -> bool:
        """Whether the array has the axes of a layer: 2 to 4, or 5 with a kernel that is 1 in its first or last."""
        kernel = [self.shape[axis] for axis in self.axes[2:]]
        return 2 <= len(self.axes) <= 4 or (len(kernel) == 3 and 1 in (kernel[0], kernel[2]))

    def read(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array of the file as (filters, channels, height, width), or (outputs, inputs)."""
        moved = values.transpose(self.axes)
        if moved.ndim == 3:  # one-dimensional: height 1
            return moved[:, :, None, :]
        if moved.ndim == 5:  # flat in its first or last dimension
            return moved[:, :, 0] if moved.shape[2] == 1 else moved[..., 0]
        return moved

    def write(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array of the layer as the file has it: the inverse of `read`."""
        moved = values.reshape([self.shape[axis] for axis in self.axes])
        return moved.transpose(np.argsort(self.axes))


@dataclass(frozen=True)
class Reading:
    """What a file or a dictionary of arrays held beside layers.

    numbers: values of all its arrays. skipped: those that no layer was made of. notes: what was assumed or looks odd,
    a line each. stored: layer -> how the file has its weights. undescribed: layers of which nothing says what they
    read; they count as reading spikes.
    """

    numbers: int = 0
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    stored: Mapping[str, Stored] = field(default_factory=dict)
    undescribed: frozenset[str] = frozenset()

    @property
    def share(self) -> float:
        """Share of the numbers that was skipped, in [0, 1]."""
        return sum(part.numbers for part in self.skipped) / self.numbers if self.numbers else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return what was skipped as JSON has it, with each part's share of the numbers."""
        parts = [
            {
                "name": part.name,
                "reason": part.reason,
                "numbers": part.numbers,
                "share": part.numbers / self.numbers if self.numbers else 0.0,
            }
            for part in self.skipped
        ]
        numbers = sum(part.numbers for part in self.skipped)
        return {"numbers": numbers, "of": self.numbers, "share": self.share, "parts": parts}

    def summary(self) -> str:
        """Return what was skipped in a line, the most numbers first: the share of each reason, and examples."""
        numbers: Counter[str] = Counter()
        names: dict[str, list[str]] = {}
        for part in self.skipped:
            numbers[part.reason] += part.numbers
            names.setdefault(part.reason, []).append(part.name)
        reasons = [
            f"{reason} {_percent(count, self.numbers)} ({listed(names[reason], 2)})"
            for reason, count in numbers.most_common(4)
        ]
        more = f"; {len(numbers) - 4} more reasons" if len(numbers) > 4 else ""
        return f"{_percent(self.share, 1)} of the numbers: {', '.join(reasons)}{more}"

    def as_in_file(self, arrays: Arrays) -> Arrays:
        """Return arrays of the layers with the axes that the file has."""
        return Lazy({name: partial(self._written, arrays, name) for name in arrays})

    def _written(self, arrays: Arrays, name: str) -> NDArray[Any]:
        return self.stored[name].write(arrays[name]) if name in self.stored else arrays[name]


NOTHING_ELSE = Reading()


def _percent(part: float, whole: float) -> str:
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f} %" if percent >= 0.1 or not percent else "< 0.1 %"
