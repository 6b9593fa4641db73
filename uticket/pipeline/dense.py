"""The stage `dense`: round 0 of every chain."""

from collections.abc import Callable

from uticket.base.seeds import torch_seed
from uticket.capturing.axes import mask_shape
from uticket.config.lineage import DENSE
from uticket.config.params import Params
from uticket.config.paths import TicketFiles
from uticket.data.prepared import Prepared
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.networks.own import check_search
from uticket.pipeline.trained import log_trained, write_start
from uticket.ticket.mask import Mask
from uticket.training.batches import on_device
from uticket.training.device import choose_device
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import joined, use_all_gpus
from uticket.training.search import WHOLE, Search
from uticket.training.train import Job, train


def train_dense(
    params: Params, prepared: Prepared, out: TicketFiles, change: Callable[[SpikingNetwork], None] | None = None
) -> None:
    """Initialize, train and test the dense network; write its ticket, and what the rounds start from.

    change: what an experiment does to the initial weights, in place.

    The weights to rewind to are those at the end of epoch `rewind.epoch`; with `prune.early_time` the number of
    timesteps with which tickets are searched is chosen too.
    """
    use_all_gpus(params.train.device)  # after everything that wrong input can stop
    device = choose_device(params.train.device)
    images, test = on_device(prepared, device)
    initial = torch_seed(params.seed, "weights")
    network = build(params.model, prepared.image_shape, len(prepared.classes), initial).to(device)
    if change is not None:
        change(network)
    check_search(network, params.prune.early_time)
    mask = Mask.ones({name: mask_shape(layer) for name, layer in weight_layers(network).items()})
    search = Search(early_time=params.prune.early_time_threshold) if params.prune.early_time else WHOLE
    training_seed = torch_seed(params.seed, "train", 0)
    job = Job(MaskedWeights(network, mask), images, test, params.train, training_seed, params.rewind.epoch, search)
    with joined() as ranks, Keep(DENSE, params.train.save_minutes, ranks) as keep:
        trained = train(job, keep)
        if ranks.first:
            write_start(out, network, mask, trained, test, params)
            log_trained(DENSE, trained, out)
