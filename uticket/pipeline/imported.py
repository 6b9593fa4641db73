"""The stage `dense` with somebody's trained network as the start of the chains; `uticket import` wrote its file."""

from pathlib import Path

import torch

from uticket.base.progress import log_end
from uticket.capturing.axes import mask_shape
from uticket.config.lineage import DENSE
from uticket.config.params import Params
from uticket.config.paths import TicketFiles
from uticket.data.prepared import Prepared
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.networks.own import check_search
from uticket.pipeline.trained import write_start
from uticket.ticket.mask import Mask
from uticket.training.batches import Images, on_device
from uticket.training.checkpoint import copy_state, load_state
from uticket.training.device import choose_device
from uticket.training.early_time import choose_timesteps
from uticket.training.evaluate import TEST_BATCH, accuracy
from uticket.training.loss import LOSSES
from uticket.training.tally import Epoch, Tally
from uticket.training.train import Trained


def import_dense(params: Params, prepared: Prepared, out: TicketFiles) -> None:
    """Test the network of `dense.checkpoint`; write its ticket, and what the rounds start from: the same weights.

    Weights that are zero are pruned. With `prune.early_time` the number of timesteps with which tickets are searched is
    chosen by the network as it is. Raises InputError if the file is missing or does not fit the network.
    """
    assert params.dense.checkpoint is not None, "only then"
    device = choose_device(params.train.device)
    images, test = on_device(prepared, device)
    network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
    check_search(network, params.prune.early_time)
    load_state(network, Path(params.dense.checkpoint))
    mask = nonzeros(network)
    shown = epoch_of(network, images, test, params.train.loss)
    divergences: dict[int, float] = {}
    if params.prune.early_time:
        network.timesteps, divergences = choose_timesteps(network, images, params.prune.early_time_threshold)
    out.cost.unlink(missing_ok=True)  # that of a training
    write_start(out, network, mask, Trained([shown], copy_state(network), divergences, None), test, params)
    kept = f"{mask.num_kept:,} of {mask.num_weights:,} weights"
    found = f"{params.dense.checkpoint}, {kept}, test accuracy {100 * shown.test_accuracy:.2f} %"
    log_end(DENSE, found, out.folder)


def nonzeros(network: SpikingNetwork) -> Mask:
    """Return the mask that keeps the weights that are not zero."""
    layers = weight_layers(network).items()
    return Mask({name: (layer.weight.detach() != 0).cpu().numpy().reshape(mask_shape(layer)) for name, layer in layers})


@torch.no_grad()
def epoch_of(network: SpikingNetwork, images: Images, test: Images, loss: str) -> Epoch:
    """Return what a network shows without training: epoch 0; the training images are not augmented."""
    network.eval()
    tally = Tally(images.labels.device)
    for batch, labels in images.in_order(TEST_BATCH):
        outputs = network(batch).float()
        tally.add(LOSSES[loss](outputs, labels), outputs, labels)
    return Epoch(0, *tally.means(), accuracy(network, test))
