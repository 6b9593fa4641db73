"""What arrives at the layers of a network, by timestep, however the network runs over time."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.networks.network import SpikingNetwork, weight_layers

See = Callable[[str, Tensor], None]


@contextmanager
def arriving(network: SpikingNetwork, see: See, names: Collection[str] | None = None) -> Iterator[set[str]]:
    """In each forward pass, call see(layer, input by timestep (T, B, channels, ...)) once for each layer in `names`.

    A layer may run on all timesteps at once (T x B, folded, or stacked, an axis T before the batch) or on one after
    another. What runs once on B images, as the first layer of direct encoding does, is seen as a single timestep.
    Yields the names of the layers that were stacked so far.
    Raises InputError, which names the layer, if it runs several times in a timestep, or on anything else.
    """
    watch = _Watch(network, see)
    layers = watch.layers
    handles = [network.register_forward_pre_hook(watch.begin), network.register_forward_hook(watch.end)]
    handles += [layers[name].register_forward_pre_hook(watch.hook_of(name)) for name in names or layers]
    try:
        yield watch.stacked
    finally:
        for handle in handles:
            handle.remove()


class _Watch:
    """The inputs of one forward pass that wait until those of all timesteps have arrived."""

    def __init__(self, network: SpikingNetwork, see: See) -> None:
        self._network, self.layers, self._see = network, weight_layers(network), see
        self._parts: dict[str, list[Tensor]] = {}
        self._seen: set[str] = set()
        self.stacked: set[str] = set()
        self._batch = 0

    def begin(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._parts, self._seen, self._batch = {}, set(), len(inputs[0])

    def hook_of(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: self._arrive(name, inputs[0])

    def _arrive(self, name: str, values: Tensor) -> None:
        timesteps, batch = self._network.timesteps, self._batch
        if name in self._seen:
            raise InputError(f"model.name: expected {name!r} to run once in each timestep, got more")
        if len(values) == timesteps * batch:
            self._whole(name, values.unflatten(0, (timesteps, batch)))
        elif values.shape[:2] == (timesteps, batch) and self._takes_both(name, values):
            self.stacked.add(name)
            self._whole(name, values)
        elif len(values) == batch:
            parts = self._parts.setdefault(name, [])
            parts.append(values)
            if len(parts) == timesteps:
                self._whole(name, torch.stack(self._parts.pop(name)))
        else:
            expected = f"{batch} images, or {timesteps} timesteps of them, to arrive at {name!r}"
            raise InputError(f"model.name: expected {expected}, got shape {tuple(values.shape)}")

    def _takes_both(self, name: str, values: Tensor) -> bool:
        """Whether the axes T and B may both come before what a layer takes: convolutions have one of them only."""
        known = self._network.stacked
        return isinstance(self.layers[name], nn.Linear) and values.dim() > 2 and (known is None or name in known)

    def _whole(self, name: str, values: Tensor) -> None:
        self._seen.add(name)
        self._see(name, values)

    def end(self, *_: Any) -> None:
        for name, parts in self._parts.items():
            if len(parts) > 1:
                got = f"{len(parts)} times on {self._batch} images"
                raise InputError(
                    f"model.name: expected {name!r} to run once in each timestep or once in all, got {got}"
                )
            self._see(name, parts[0].unsqueeze(0))
        self._parts = {}
