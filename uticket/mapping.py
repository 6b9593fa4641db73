"""Which filter runs where: the one answer that balancing, mapping and simulation share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mapping:
    """The group and the PE of each filter of a layer.

    Filters of one group run at the same time, one on each PE; groups run one after another. A group may have fewer
    filters than there are PEs.
    """

    pes: int
    group: NDArray[np.int64]  # (filters,)
    pe: NDArray[np.int64]  # (filters,), in [0, pes)

    @property
    def num_groups(self) -> int:
        """Groups that run one after another."""
        return int(self.group.max()) + 1 if self.group.size else 0

    def workload(self, nonzeros: NDArray[np.int64]) -> NDArray[np.int64]:
        """Arrange the nonzeros of each filter, shape (filters,), by (groups, pes); a PE without a filter has 0."""
        workload = np.zeros((self.num_groups, self.pes), dtype=np.int64)
        workload[self.group, self.pe] = nonzeros
        return workload


def contiguous(num_filters: int, pes: int) -> Mapping:
    """Put filters g * pes .. g * pes + pes - 1 into group g, in order. The last group may be short.

    Raises ValueError if `pes` is below 1. Source: the paper's hardware section, and its published code.
    """
    if pes < 1:
        raise ValueError(f"pes: expected at least 1, came {pes}")
    filters = np.arange(num_filters, dtype=np.int64)
    return Mapping(pes, group=filters // pes, pe=filters % pes)


POLICIES = {"contiguous": contiguous}
