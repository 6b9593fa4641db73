"""`uticket import`: somebody's trained network, copied into the project as the state of ours."""

from dataclasses import dataclass
from pathlib import Path

from uticket.base.errors import InputError
from uticket.base.files import is_folder
from uticket.config.params import Params
from uticket.config.paths import CHECKPOINTS, TicketFiles
from uticket.data.prepared import Prepared
from uticket.foreign.read import read_arrays
from uticket.networks.network import build
from uticket.pipeline.imported import nonzeros
from uticket.pipeline.match import matched
from uticket.ticket.mask import Mask
from uticket.ticket.partners import join_partners
from uticket.training.checkpoint import copy_state, save_state


@dataclass(frozen=True)
class Imported:
    """A checkpoint that was copied into the project."""

    path: Path
    mask: Mask  # what is not zero
    left_out: list[str]  # arrays that the network has no use for


def import_checkpoint(path: Path, params: Params, prepared: Prepared, force: bool = False) -> Imported:
    """Copy the state that a file has of the network of the params into the project, under the file's name.

    path: any file that `uticket.foreign` reads, or the folder of a ticket. force: replace a copy that exists.
    Raises InputError, in one line, if it does not fit the network.
    """
    file = TicketFiles(path).weights if is_folder(path) else path
    network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0)
    try:
        arrays, _, _ = join_partners(read_arrays(file).arrays)
        state, left_out = matched(arrays, network)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(file)) else f"{file}: {text}") from None
    out = CHECKPOINTS / f"{path.name.partition('.')[0]}.safetensors"
    if out.exists() and not force:
        raise InputError(f"{out}: expected no such file, got one; --force replaces it")
    network.load_state_dict(state)
    save_state(copy_state(network), out)
    return Imported(out, nonzeros(network), left_out)
