"""Arrays of somebody's checkpoint as the state of a network, by name."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from uticket.base.errors import InputError, listed
from uticket.engine.lif import LIF
from uticket.foreign.contents import Arrays
from uticket.networks.network import SpikingNetwork
from uticket.ticket.names import reason_to_skip
from uticket.training.checkpoint import State

STATISTICS = ("running_mean", "running_var")  # buffers that training makes, as it makes parameters
LEFT_OUT = ("state of a neuron", "state of an optimizer", "statistics of a norm", "scale or zero point")


def matched(arrays: Arrays, network: SpikingNetwork) -> tuple[State, list[str]]:
    """Return the state of a network with the values of `arrays`, and the names of arrays that it has no use for.

    A prefix that all names of the network have in the file, such as `module.`, is left out. Buffers that no training
    changes may be missing, and then stay as they are. Raises InputError, which names the array, if a parameter or a
    statistic of batch norm is missing or has another shape, if a value is not finite, if a weight or bias is left over,
    or if neurons of ours had other constants.
    """
    own = network.state_dict()
    needed = [name for name, _ in network.named_parameters()]
    needed += [name for name in own if name.rpartition(".")[2] in STATISTICS]
    prefix = _prefix(arrays, needed)
    found = {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
    missing = [name for name in needed if name not in found]
    if missing:
        raise InputError(f"expected {listed(missing)} of the network, got {listed(arrays) or 'no arrays'}")
    state = {name: _as(name, found[name], value) if name in found else value for name, value in own.items()}
    for name, value in _constants(network):
        if name in found and not torch.allclose(state[name], value):
            expected = f"{value.item():g} in {name!r}, as params.yaml says"
            raise InputError(f"expected {expected}, got {state[name].item():g}")
    others = [name for name in arrays if name.removeprefix(prefix) not in own]
    odd = [name for name in others if reason_to_skip(name, alone=False) not in LEFT_OUT]
    if odd:
        raise InputError(f"expected arrays of the network only, got {listed(odd)} too")
    return state, others


def _prefix(arrays: Arrays, needed: list[str]) -> str:
    """Return what stands before the names of the network in the file: the shortest that fits most of them."""
    ends = [name.removesuffix(needed[0]) for name in arrays if name.endswith(needed[0])]
    prefixes = [prefix for prefix in ends if not prefix or prefix.endswith(".")] or [""]
    return min(prefixes, key=lambda prefix: (sum(prefix + name not in arrays for name in needed), len(prefix)))


def _as(name: str, values: np.ndarray, own: Tensor) -> Tensor:
    """Return an array in the shape and type of the network's own."""
    if values.shape != tuple(own.shape) and not values.size == own.numel() == 1:
        raise InputError(f"expected {name!r} of shape {tuple(own.shape)}, got {values.shape}")
    if not np.isfinite(values).all():
        raise InputError(f"expected finite values in {name!r}, got NaN or infinity")
    return torch.from_numpy(np.array(values)).to(own.dtype).reshape(own.shape)


def _constants(network: SpikingNetwork) -> Iterator[tuple[str, Tensor]]:
    """Yield name and value of the constants of our neurons, which run by params.yaml, not by their state."""
    for name, module in network.named_modules():
        if isinstance(module, LIF):
            yield from ((f"{name}.{kind}", getattr(module, kind)) for kind in ("beta", "threshold"))
