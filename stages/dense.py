"""Train the dense network, round 0 of every chain, and keep the weights that tickets are rewound to."""

import click

from uticket.data.prepared import load
from uticket.mask import Mask
from uticket.params import DENSE, read_params
from uticket.paths import PREPARED, ticket_files
from uticket.progress import start_logging
from uticket.seeds import torch_seed
from uticket.snn.batches import on_device
from uticket.snn.checkpoint import save_state
from uticket.snn.device import choose_device
from uticket.snn.keep import Keep
from uticket.snn.masking import MaskedWeights
from uticket.snn.models import build, weight_layers
from uticket.snn.ticket import write_ticket
from uticket.snn.train import train


@click.command(help=__doc__)
def main() -> None:
    """Initialize, train and test the dense network; write tickets/dense."""
    start_logging()
    params = read_params()
    device = choose_device(params.train.device)
    prepared = load(PREPARED)
    images, test = on_device(prepared, device)
    initial = torch_seed(params.seed, "weights")
    network = build(params.model, prepared.image_shape, len(prepared.classes), initial).to(device)
    mask = Mask.ones({name: tuple(layer.weight.shape) for name, layer in weight_layers(network).items()})

    masked, training_seed = MaskedWeights(network, mask), torch_seed(params.seed, "train", 0)
    files, rewind = ticket_files(DENSE), params.rewind.epoch
    with Keep(DENSE, params.train.save_minutes) as keep:
        trained = train(network, masked, images, test, params.train, training_seed, DENSE, keep, rewind)
        assert trained.rewind is not None, "train keeps the epoch that it is asked for"
        write_ticket(files, network, mask, trained.epochs, test, params.report.sample_images)
        save_state(trained.rewind, files.rewind)


if __name__ == "__main__":
    main()
