"""An array of a file before it is read: its shape is known, its numbers are read when they are wanted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from uticket.foreign.dtypes import count


@dataclass(frozen=True)
class Leaf:
    """An array of a file. read: returns it, raises ValueError if it is broken. reason: why it is not read, or "".

    single: whether it is a lone number, as of a metric, and no array. note: what a user should know once it is read.
    """

    shape: tuple[int, ...]
    read: Callable[[], NDArray[Any]]
    reason: str = ""
    single: bool = False
    note: str = ""

    @property
    def numbers(self) -> int:
        """How many values the array has."""
        return count(self.shape)


def unreadable(shape: tuple[int, ...], reason: str) -> Leaf:
    """Return an array that is left out."""

    def read() -> NDArray[Any]:
        raise ValueError(reason)

    return Leaf(shape, read, reason)
