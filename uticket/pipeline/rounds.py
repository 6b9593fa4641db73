"""The stage `ticket`: one round of a chain."""

from dataclasses import asdict, dataclass
from typing import Any

from uticket.base.files import written_together
from uticket.base.progress import log
from uticket.base.seeds import torch_seed
from uticket.config.document import SearchFound
from uticket.config.params import Params
from uticket.config.paths import TicketFiles
from uticket.config.plan import TicketPlan
from uticket.config.pruning import Prune
from uticket.config.training import Train
from uticket.data.prepared import Prepared
from uticket.networks.network import build
from uticket.pipeline.trained import log_trained, write_trained
from uticket.pruning.balance import balance
from uticket.pruning.early_bird import EarlyBird
from uticket.pruning.prune import prune
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket
from uticket.training.batches import on_device
from uticket.training.checkpoint import load_state
from uticket.training.device import choose_device
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import joined, use_all_gpus
from uticket.training.search import WHOLE, Search
from uticket.training.train import Job, train


@dataclass(frozen=True)
class Changes:
    """How many weights a round changed."""

    num_pruned: int
    num_recovered: int  # added by balancing: weights just pruned, or others that were not kept
    num_removed: int  # by balancing

    def __str__(self) -> str:
        """Return a line for people."""
        pruned, recovered, removed = (f"{number:,}" for number in asdict(self).values())
        return f"{pruned} pruned, then {recovered} recovered and {removed} removed by balancing"


def next_mask(parent: Ticket, plan: TicketPlan, settings: Prune, seed: int) -> tuple[Mask, Changes]:
    """Prune the parent's mask by its trained weights, then balance it; also return what that changed.

    Source: Yin et al. 2024, Algorithm 1, lines 4-16.
    """
    pruned = prune(parent, settings.fraction, settings.score, settings.scope)
    mask = pruned.mask
    if plan.balance is not None:
        purpose = "balance", plan.round
        mask = balance(pruned, plan.array, plan.balance, seed, trained=parent.mask, purpose=purpose).mask
    recovered = sum(int((mask[name] & ~pruned.mask[name]).sum()) for name in mask)
    removed = sum(int((pruned.mask[name] & ~mask[name]).sum()) for name in mask)
    return mask, Changes(parent.mask.num_kept - pruned.mask.num_kept, recovered, removed)


def training_of_round(dense: Train, settings: Prune) -> Train:
    """Return how the ticket of a round is trained: as the dense network, in `prune.epochs` epochs if that is set.

    The learning rate falls from its start to 0 within them.
    """
    return dense.model_copy(update={"epochs": settings.epochs or dense.epochs})


def next_ticket(
    parent: Ticket, dense: TicketFiles, plan: TicketPlan, params: Params, prepared: Prepared, out: TicketFiles
) -> None:
    """Make one ticket: prune and balance the parent's mask, rewind the weights that are left, train and test them.

    parent: with its trained weights. dense: has the weights to rewind to and the timesteps of the search. Writes the
    ticket's files. Raises InputError if the parent does not fit the network, or a file is missing or damaged.
    """
    mask, changes = next_mask(parent, plan, params.prune, params.seed)
    log.info("%s  keeps %s of %s weights: %s", plan.ticket, f"{mask.num_kept:,}", f"{mask.num_weights:,}", changes)
    early_stop = EarlyBird(mask, params.prune) if params.prune.early_bird and not plan.final else None
    search = WHOLE if early_stop is None else Search(early_stop=early_stop)

    use_all_gpus(params.train.device)  # after everything that wrong input can stop
    device = choose_device(params.train.device)
    images, test = on_device(prepared, device)
    network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0).to(device)
    load_state(network, dense.rewind)
    if not plan.final:
        network.timesteps = SearchFound.read(dense.search).timesteps
    training_seed = torch_seed(params.seed, "train", plan.round)
    settings = training_of_round(params.train, params.prune)
    job = Job(MaskedWeights(network, mask), images, test, settings, training_seed, search=search)
    with joined() as ranks, Keep(plan.ticket, params.train.save_minutes, ranks) as keep:
        trained = train(job, keep)
        if ranks.first:
            more: dict[str, Any] = asdict(changes)
            with written_together(out.folder) as part:
                write_trained(TicketFiles(part), network, mask, trained, test, params.report.sample_images, **more)
            log_trained(plan.ticket, trained, out)
