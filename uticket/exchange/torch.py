"""torch: the trained state in the form of `torch.nn.utils.prune`: NAME.weight_orig and NAME.weight_mask."""

from pathlib import Path

import numpy as np

from uticket.base.arrays import load_arrays
from uticket.base.errors import InputError
from uticket.base.files import is_file
from uticket.exchange.format import Format, Source, Written
from uticket.foreign.write import write_arrays


def write_torch(source: Source, out: Path) -> Written:
    """Write a state_dict, which loads strictly into the network once each layer is pruned (`prune.identity`).

    It has all that the ticket's weights.safetensors has: biases, batch norm and constants of the neurons too. The
    weight of each layer becomes weight_orig, as trained, and weight_mask, 0 or 1, in the type of the weight. Raises
    InputError, naming the file, if the ticket has no weights, or not those of each layer.
    """
    path = source.files.weights
    if not is_file(path):
        raise InputError(f"{path}: expected the weights of the ticket, got no file")
    state = load_arrays(path)
    for name, mask in source.ticket.mask.items():
        weight = state.pop(f"{name}.weight", None)
        if weight is None:
            raise InputError(f"{path}: expected the array {name + '.weight'!r}, got none")
        state |= {f"{name}.weight_orig": weight, f"{name}.weight_mask": mask.astype(weight.dtype)}
    write_arrays(out, {name: np.asarray(state[name]) for name in sorted(state)})
    return Written(f"{len(state)} arrays, {len(source.ticket.mask)} layers pruned")


FORMATS = {"torch": Format((".pt", ".pth"), write_torch)}
