"""Which layers' outputs are added, so that their filters must have one order: found by following the tensors."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# What mixes channels: the result has the order of none of its inputs.
MIXING = {"mm", "addmm", "bmm", "baddbmm", "matmul", "dot", "mv", "convolution", "_convolution", "linear"}
MIXING |= {"_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_attention_math"}
JOINING = {"cat", "stack"}


class Sums(TorchDispatchMode):
    """While it is active, it follows the outputs of layers through norms, neurons, pooling and views.

    Where elementwise operations join outputs of several layers with as many filters (an addition, a gate), these layers
    are tied. So are those on both ends of a shortcut, as its spikes have the channels of the sum before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._layer_of: dict[StorageWeakRef, str] = {}  # memory of a tensor -> a layer whose filters are its channels
        self._tied_to: dict[str, str] = {}  # layer -> another of its sum, or itself
        self._filters: dict[str, int] = {}

    def start(self, layer: str, filters: int, output: Tensor) -> None:
        """Begin to follow the output of a layer."""
        self._tied_to.setdefault(layer, layer)
        self._filters[layer] = filters
        self._layer_of[_memory(output)] = layer

    def carry(self, inputs: Any, outputs: Any) -> None:
        """Follow a module whose code does not show its operations, such as compiled neurons."""
        found = self._layers_in(inputs)
        for output in _tensors(outputs):
            if found and _memory(output) not in self._layer_of:
                self._layer_of[_memory(output)] = found[0]

    def adds_to(self) -> dict[str, str]:
        """Return layer -> the sum that its output is part of; sums are numbered in the order of their first layers."""
        parts: dict[str, list[str]] = {}
        for layer in self._tied_to:
            parts.setdefault(self._root(layer), []).append(layer)
        sums = [layers for layers in parts.values() if len(layers) > 1]
        return {layer: f"sum{number}" for number, layers in enumerate(sums, 1) for layer in layers}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Return False: else PyTorch's compiler is imported, which takes longer than most captures."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        found = self._layers_in((args, kwargs))
        name = func.overloadpacket.__name__
        if not found or name in MIXING:
            return output
        if torch.Tag.pointwise in func.tags:
            for layer in found[1:]:
                self._tie(found[0], layer)
        elif name in JOINING and len({self._root(layer) for layer in found}) > 1:
            return output
        # what is written into a tensor in place (copy_, index_put_) comes last
        layer = found[-1] if name.endswith("_") else found[0]
        for tensor in _tensors(output):
            self._layer_of[_memory(tensor)] = layer
        return output

    def _layers_in(self, values: Any) -> list[str]:
        found = (self._layer_of.get(_memory(tensor)) for tensor in _tensors(values))
        return [layer for layer in found if layer is not None]

    def _tie(self, one: str, other: str) -> None:
        if self._filters[one] == self._filters[other] and self._root(one) != self._root(other):
            self._tied_to[self._root(other)] = self._root(one)

    def _root(self, layer: str) -> str:
        while self._tied_to[layer] != layer:
            layer = self._tied_to[layer]
        return layer


def _tensors(values: Any) -> Iterable[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor) and leaf.layout == torch.strided)


def _memory(tensor: Tensor) -> StorageWeakRef:
    """Return what views of a tensor share; it is not given to another tensor as long as it is held here."""
    return StorageWeakRef(tensor.untyped_storage())
