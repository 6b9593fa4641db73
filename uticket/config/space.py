"""The settings of the array that `uticket explore` tries (space.yaml)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Self

from uticket.base.errors import InputError
from uticket.config.array import KNOBS, Array, Broadcast, by_knob, with_setting
from uticket.config.block import shown
from uticket.config.params import read_yaml

CHIP = "chip"  # beside KNOBS: the file of what the parts of the array cost


@dataclass(frozen=True)
class Point:
    """A setting of the array."""

    settings: Mapping[str, Any]  # of the knobs of the space
    array: Array
    broadcast: Broadcast
    chip: str | None  # None: the default one


@dataclass(frozen=True)
class Space:
    """Knob -> the values that it may have. What is no knob of the space has its default, as in `uticket simulate`."""

    knobs: Mapping[str, tuple[Any, ...]]

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read space.yaml. Raises InputError as `of` does, naming the file."""
        return cls.of(read_yaml(path), str(path))

    @classmethod
    def of(cls, settings: Any, where: str = "space") -> Self:
        """Return the space of settings that are arranged as in `hw` of params.yaml.

        Each has a list of values, or one value. Raises InputError, which begins with `where`, if there is no such
        setting, if it has no such value, or one twice.
        """
        if not isinstance(settings, dict) or not settings:
            raise InputError(f"{where}: expected settings of hw with lists of their values, got {shown(settings)}")
        return cls({str(knob): _checked(where, str(knob), values) for knob, values in by_knob(settings).items()})

    @property
    def size(self) -> int:
        """Points of the grid."""
        return prod(len(values) for values in self.knobs.values())

    def grid(self) -> Iterator[Point]:
        """Return all points; the last knob changes fastest."""
        for values in product(*self.knobs.values()):
            yield self.point(dict(zip(self.knobs, values, strict=True)))

    def point(self, values: Mapping[str, Any]) -> Point:
        """Return the point with these values of all knobs."""
        array, broadcast = Array(), Broadcast()
        for knob in values.keys() & set(KNOBS):
            array, broadcast = with_setting(array, broadcast, knob, values[knob])
        return Point(values, array, broadcast, values.get(CHIP))


def _checked(where: str, knob: str, given: Any) -> tuple[Any, ...]:
    """Return the values of a knob as the records hold them."""
    known = [*KNOBS, CHIP]
    if knob not in known:
        near = get_close_matches(knob, [*known, *(name.rpartition(".")[2] for name in known)], n=1)
        hint = next((f"; did you mean {name}?" for name in known if near and name.endswith(near[0])), "")
        raise InputError(f"{where}: expected settings of hw ({', '.join(known)}), got {shown(knob)}{hint}")
    values = tuple(_held(where, knob, value) for value in (given if isinstance(given, list | tuple) else [given]))
    if not values:
        raise InputError(f"{where}: {knob}: expected a value or a list of values, got []")
    twice = next((value for n, value in enumerate(values) if value in values[:n]), None)
    if twice is not None:
        raise InputError(f"{where}: {knob}: expected each value once, got {shown(twice)} twice")
    return values


def _held(where: str, knob: str, value: Any) -> Any:
    if knob == CHIP:
        if not isinstance(value, str) or not value:
            raise InputError(f"{where}: {knob}: expected the path of a chip file, got {shown(value)}")
        return value
    try:
        array, broadcast = with_setting(Array(), Broadcast(), knob, value)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
    block, _, key = knob.rpartition(".")
    return getattr(broadcast if block else array, key)
