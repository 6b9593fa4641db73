"""Make one ticket: prune its parent, balance the mask, rewind the weights that are left, train and test them."""

from functools import partial

import click

from uticket.arrays import load_weights
from uticket.data.prepared import load
from uticket.layers import read_layers
from uticket.mapping import Array
from uticket.mask import Mask
from uticket.params import DENSE, Params, read_params
from uticket.paths import PREPARED, TicketFiles, ticket_files
from uticket.progress import log, start_logging
from uticket.seeds import generator, torch_seed
from uticket.snn.batches import on_device
from uticket.snn.checkpoint import load_state
from uticket.snn.device import choose_device
from uticket.snn.keep import Keep
from uticket.snn.masking import MaskedWeights
from uticket.snn.models import build
from uticket.snn.ticket import write_ticket
from uticket.snn.train import train
from uticket.ticket.balance import balance_layers
from uticket.ticket.prune import prune


@click.command(help=__doc__)
@click.argument("ticket")
def main(ticket: str) -> None:
    """TICKET is METHOD/NAME of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    parent, number = ticket_files(params.parent(ticket)), params.round_of(ticket)
    device = choose_device(params.train.device)
    prepared = load(PREPARED)
    mask, changes = next_mask(params, ticket, parent, number)

    images, test = on_device(prepared, device)
    network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
    load_state(network, ticket_files(DENSE).rewind)
    masked, training_seed = MaskedWeights(network, mask), torch_seed(params.seed, "train", number)
    with Keep(ticket, params.train.save_minutes) as keep:
        trained = train(network, masked, images, test, params.train, training_seed, ticket, keep)
        samples = params.report.sample_images
        write_ticket(ticket_files(ticket), network, mask, trained.epochs, test, samples, **changes)


def next_mask(params: Params, ticket: str, parent: TicketFiles, number: int) -> tuple[Mask, dict[str, int]]:
    """Prune the parent's mask by its trained weights and balance it; also return how many weights that changed."""
    layers, _ = read_layers(parent.layers)
    names = [layer.name for layer in layers]
    trained, weights = Mask.load(parent.mask, names), load_weights(parent.weights, names)
    pruned = mask = prune(trained, weights, params.prune.fraction, params.prune.scope)
    balancing = params.balance[ticket.partition("/")[0]]
    if balancing is not None:
        array = None
        if balancing.scope == "group":
            array = Array(params.hw.pes, params.hw.mapping, params.hw.dataflow)
        on_pes = [layer for layer in layers if layer.on_pes]
        rng_of = partial(generator, params.seed, "balance", number)
        mask = balance_layers(pruned, on_pes, array, balancing.mode, balancing.select, rng_of, trained, weights)
    changes = {
        "num_pruned": trained.num_kept - pruned.num_kept,
        "num_recovered": sum(int((mask[name] & ~pruned[name]).sum()) for name in names),
        "num_removed": sum(int((pruned[name] & ~mask[name]).sum()) for name in names),
    }
    log.info("%s  %d weights of %d left; %s", ticket, mask.num_kept, mask.num_weights, changes)
    return mask, changes


if __name__ == "__main__":
    main()
