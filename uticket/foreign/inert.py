"""What a pickle names or would make, as records of which nothing runs."""

from dataclasses import dataclass, field
from typing import Any

PERSISTENT = "persistent id"  # kind of an Object for what PyTorch keeps outside of the pickle: a storage


@dataclass(frozen=True)
class Name:
    """A class or function that the pickle names, "module.name"."""

    kind: str


@dataclass(eq=False, slots=True)
class Object:
    """What the pickle would have made by a call: of what (`kind`), with which arguments, and what it then got.

    state: given to __setstate__, most often the attributes by name. items: appended or added. pairs: set by key.
    """

    kind: str
    args: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    pairs: dict[Any, Any] = field(default_factory=dict)
