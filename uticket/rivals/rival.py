"""What is known of a published accelerator: how its cycles are counted, and what the count leaves out."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

from uticket.rivals.lowered import Lowered

Skipped = Literal["spikes", "windows", "neurons", "repeats", "weights"]


@dataclass(frozen=True)
class Rival:
    """A published accelerator, with as many adders as the array has PEs.

    A PE of the array adds one weight in a cycle, so the adder is what designs share; `adders` says where a rival has
    them. Every count takes its memories, its network and its neurons as ideal; `leaves_out` names what else it omits.
    skips: what takes no cycle: timesteps without `spikes`, `windows` of timesteps without any, `neurons` without any in
    all T, `repeats` of what another row of spikes has computed, `weights` that are pruned.
    """

    cycles: Callable[[Lowered, int], int]  # of one layer for one image, on that number of adders
    title: str
    source: str
    adders: str
    skips: tuple[Skipped, ...]
    leaves_out: str


@cache
def grid(pes: int, published: tuple[int, int], most_columns: int | None = None) -> tuple[int, int]:
    """Return rows and columns that hold `pes` exactly and whose ratio is nearest to that of the published grid.

    Nearest in proportion; of two equally near grids the one with more rows. most_columns: no more than these.
    """
    rows_to_columns = Fraction(*published)
    fitting = [n for n in range(1, pes + 1) if pes % n == 0 and (most_columns is None or pes // n <= most_columns)]

    def distance(rows: int) -> Fraction:
        ratio = Fraction(rows * rows, pes) / rows_to_columns
        return max(ratio, 1 / ratio)

    rows = min(reversed(fitting), key=distance)
    return rows, pes // rows
