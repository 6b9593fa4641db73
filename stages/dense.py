"""Train the dense network, round 0 of every chain, and keep the weights that tickets are rewound to."""

import json

import click

from uticket.base.progress import start_logging
from uticket.base.seeds import torch_seed
from uticket.config.params import DENSE, read_params
from uticket.config.paths import PREPARED, TicketFiles, ticket_files
from uticket.data.prepared import load
from uticket.networks.models import SpikingNetwork, build, weight_layers
from uticket.ticket.mask import Mask
from uticket.training.batches import Images, on_device
from uticket.training.checkpoint import save_state
from uticket.training.device import choose_device
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import joined, use_all_gpus
from uticket.training.search import WHOLE, Search
from uticket.training.ticket import write_ticket
from uticket.training.train import Trained, train


@click.command(help=__doc__)
def main() -> None:
    """Initialize, train and test the dense network; write tickets/dense."""
    start_logging()
    params = read_params()
    prepared = load(PREPARED)
    use_all_gpus(params.train.device)  # behind everything that wrong input can stop
    device = choose_device(params.train.device)
    images, test = on_device(prepared, device)
    initial = torch_seed(params.seed, "weights")
    network = build(params.model, prepared.image_shape, len(prepared.classes), initial).to(device)
    mask = Mask.ones({name: tuple(layer.weight.shape) for name, layer in weight_layers(network).items()})

    masked, training_seed = MaskedWeights(network, mask), torch_seed(params.seed, "train", 0)
    search = Search(early_time=params.prune.early_time_threshold) if params.prune.early_time else WHOLE
    with joined() as ranks, Keep(DENSE, params.train.save_minutes, ranks) as keep:
        trained = train(network, masked, images, test, params.train, training_seed, keep, params.rewind.epoch, search)
        if ranks.first:
            write(ticket_files(DENSE), network, mask, trained, test, params.report.sample_images)


def write(
    files: TicketFiles, network: SpikingNetwork, mask: Mask, trained: Trained, test: Images, sample_images: int
) -> None:
    """Write the ticket, and what the rounds start from."""
    assert trained.rewind is not None, "train keeps the epoch that it is asked for"
    write_ticket(files, network, mask, trained, test, sample_images)
    save_state(trained.rewind, files.rewind)
    chosen = {"timesteps": network.timesteps, "divergence": trained.divergences}
    files.search.write_text(json.dumps(chosen, indent=1) + "\n")


if __name__ == "__main__":
    main()
