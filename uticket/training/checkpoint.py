"""The state of a network in a safetensors file: weights, batch norm, constants of the neurons. Nothing is unpickled."""

from pathlib import Path

import torch
from torch import Tensor, nn

from uticket.base.arrays import load_arrays, safetensors_bytes
from uticket.base.errors import InputError, one_line, shortened
from uticket.base.files import write_bytes

State = dict[str, Tensor]


def copy_state(network: nn.Module) -> State:
    """Return a copy of the network's state, on the CPU."""
    state = network.state_dict()
    return {name: value.cpu().clone(memory_format=torch.contiguous_format) for name, value in state.items()}


def save_state(state: State, path: Path) -> None:
    """Write a state."""
    write_bytes(path, safetensors_bytes({name: values.numpy() for name, values in state.items()}))


def load_state(network: nn.Module, path: Path) -> None:
    """Read a state into `network`. Raises InputError, naming the file, if it is damaged or of another network."""
    state = {name: torch.from_numpy(values) for name, values in load_arrays(path).items()}
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        found = _difference(network.state_dict(), state) or f"got: {one_line(error)}"
        raise InputError(f"{path}: expected the weights of this network, {found}") from None


def _difference(wanted: State, state: State) -> str:
    """Return which array is missing, too much or of another shape, the first one; empty if none is."""
    for name in (*wanted, *state):
        shape, got = (f"of shape {tuple(held[name].shape)}" if name in held else "none" for held in (wanted, state))
        if shape != got:
            return f"{shortened(name)} {shape}, got {got}" if name in wanted else f"got {shortened(name)}, too"
    return ""
