"""Make one ticket: prune its parent, balance the mask, rewind the weights that are left, train and test them."""

from functools import partial

import click

from uticket.base.errors import InputError
from uticket.base.files import load_weights
from uticket.base.progress import log, start_logging
from uticket.base.seeds import generator, torch_seed
from uticket.config.params import DENSE, Params, read_params
from uticket.config.paths import PREPARED, TicketFiles, read_json, ticket_files
from uticket.data.prepared import load
from uticket.mapping.mapping import Array
from uticket.networks.models import build
from uticket.prune.balance import balance_layers
from uticket.prune.early_bird import EarlyBird
from uticket.prune.prune import prune
from uticket.ticket.layer import read_layers
from uticket.ticket.mask import Mask
from uticket.training.batches import on_device
from uticket.training.checkpoint import load_state
from uticket.training.device import choose_device
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import joined, use_all_gpus
from uticket.training.search import WHOLE, Search
from uticket.training.ticket import write_ticket
from uticket.training.train import train


@click.command(help=__doc__)
@click.argument("ticket")
def main(ticket: str) -> None:
    """TICKET is METHOD/NAME of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    parent, number = ticket_files(params.parent(ticket)), params.round_of(ticket)
    prepared = load(PREPARED)
    final = as_final(params, ticket)
    mask, changes = next_mask(params, ticket, parent, number)
    search = Search(early_stop=EarlyBird(mask, params.prune)) if params.prune.early_bird and not final else WHOLE

    use_all_gpus(params.train.device)  # behind everything that wrong input can stop
    device = choose_device(params.train.device)
    images, test = on_device(prepared, device)
    network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
    load_state(network, ticket_files(DENSE).rewind)
    if not final:
        network.timesteps = read_json(ticket_files(DENSE).search)["timesteps"]
    masked, training_seed = MaskedWeights(network, mask), torch_seed(params.seed, "train", number)
    with joined() as ranks, Keep(ticket, params.train.save_minutes, ranks) as keep:
        trained = train(network, masked, images, test, params.train, training_seed, keep, search=search)
        if ranks.first:
            more = {**changes, "final": final} if params.prune.early else changes
            samples = params.report.sample_images
            write_ticket(ticket_files(ticket), network, mask, trained, test, samples, **more)


def as_final(params: Params, ticket: str) -> bool:
    """Say whether a ticket is trained with all timesteps and to the last epoch: it is if no other is pruned from it.

    DVC does not see that a ticket is no longer the last of its chain. Raises InputError if the parent was trained when
    it was.
    """
    parent = params.parent(ticket)
    if params.prune.early and parent != DENSE and read_json(ticket_files(parent).metrics).get("final", True):
        again = f"dvc repro --force --single-item {parent.replace('/', '@')}"
        raise InputError(
            f"{ticket}: expected a parent trained for the search, came {parent}, trained as final; {again}"
        )
    return params.is_final(ticket)


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
