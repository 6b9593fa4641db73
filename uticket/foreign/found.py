"""The arrays of a tree by dotted name, and what of it is left out."""

from typing import Any

from uticket.base.errors import listed
from uticket.foreign.contents import Arrays, Operator, Skipped
from uticket.foreign.operators import operator_of
from uticket.foreign.tree import Tree, attributes, class_of, is_module, unsaved


class Found:
    """Arrays found in a tree, and what was left out."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.arrays: Arrays = {}
        self.skipped: list[Skipped] = []
        self.operators: dict[str, Operator] = {}
        self.notes: list[str] = []

    def add(self, value: Any, name: str, above: tuple[int, ...]) -> None:
        """Add the arrays of a part."""
        leaf = self.tree.leaf(value)
        if leaf is None:
            self._add_parts(value, name, above)
        elif leaf.reason:
            self.skipped.append(Skipped(name, leaf.reason, leaf.numbers))
        elif not leaf.single:
            if name in self.arrays:
                raise ValueError(f"two arrays named {name!r}")
            self.arrays[name] = leaf.read()
            self.notes += [f"{name}: {leaf.note}"] if leaf.note else []

    def _add_parts(self, value: Any, name: str, above: tuple[int, ...]) -> None:
        kind = class_of(value)
        if kind.startswith(("csr_", "csc_", "coo_", "bsr_")):
            self.skipped.append(Skipped(name, f"a {kind} of scipy", self.tree.numbers(value, above)))
            return
        operator = operator_of(kind, attributes(value)) if is_module(value) else None
        for key, part in self.tree.within(value, above):
            inner = f"{name}.{key}" if name else key
            self.add(part, inner, (*above, id(value)))
            if operator is not None and inner in self.arrays:
                self.operators[inner] = operator
        self._skip_attributes(value, name, above)

    def _skip_attributes(self, module: Any, name: str, above: tuple[int, ...]) -> None:
        """Note arrays that a module has besides its parameters and buffers, such as its membranes."""
        for key, part in unsaved(module):
            numbers = self.tree.numbers(part, (*above, id(module)))
            if numbers:
                whole = f"{name}.{key}" if name else key
                self.skipped.append(Skipped(whole, "not in the state dict of its module", numbers))

    def add_masks(self, masks: Any, above: tuple[int, ...]) -> None:
        """Add masks saved beside the weights, as the array X_mask beside X."""
        held, paired = Found(self.tree), list[str]()
        held.add(masks, "", above)
        for name, values in held.arrays.items():
            weight = next((w for w in (name, f"{name}.weight", name.removesuffix("_mask")) if w in self.arrays), None)
            if weight is None:
                self.skipped.append(Skipped(f"masks of {name!r}", "no weights of that name", values.size))
            else:
                self.arrays[f"{weight}_mask"] = values
                paired.append(weight)
        self.notes += [f"the masks of {listed(paired)} are saved beside the weights"] if paired else []
