"""The state of a network in a safetensors file: weights, batch norm, constants of the neurons. Nothing is unpickled."""

from pathlib import Path

import torch
from torch import Tensor, nn

from uticket.base.arrays import load_arrays, safetensors_bytes
from uticket.base.errors import InputError, one_line
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
    try:
        network.load_state_dict({name: torch.from_numpy(values) for name, values in load_arrays(path).items()})
    except (RuntimeError, TypeError) as error:
        raise InputError(f"{path}: expected the weights of this network, got: {one_line(error)}") from None
