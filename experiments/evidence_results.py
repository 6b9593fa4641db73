"""What the tickets of `experiments.evidence` are like and cost, as tables and masks in docs/results/."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.evidence import ROOT, SEEDS, folder_of, params_of, shrink
from experiments.pareto import DEPTHS
from uticket.base.files import read_json, write_bytes, write_text
from uticket.base.progress import bar
from uticket.base.seeds import generator, torch_seed
from uticket.capturing.axes import mask_shape
from uticket.config.array import Array, Broadcast
from uticket.config.lineage import DENSE
from uticket.config.params import Params
from uticket.config.paths import TicketFiles
from uticket.hardware.audit import audit
from uticket.hardware.simulation import simulate
from uticket.networks.network import build, weight_layers
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

RESULTS = ROOT / "docs" / "results"
TICKETS, LAYERS = RESULTS / "evidence_tickets.csv", RESULTS / "evidence_layers.csv"
MASKS = RESULTS / "evidence"  # NETWORK-SEED-METHOD.npz, as `uticket audit` reads it
KEY = ["network", "seed", "method", "round"]
DRAWS = 5  # of random masks, whose mean is compared

Row = dict[str, Any]
Weights = dict[str, "np.ndarray[Any, np.dtype[np.float32]]"]


def measure() -> None:
    """Add the tickets that are not in the tables yet, and write the mask of the ticket that ends a chain."""
    known = read(TICKETS)
    done = set(known[KEY].itertuples(index=False, name=None)) if len(known) else set()
    tickets, layers = [], []
    for key, ticket, params in bar([found for found in trained() if found[0] not in done], "measuring", "tickets"):
        own = dict(zip(KEY, key, strict=True))
        tickets.append(own | about(ticket, TicketFiles(ticket_folder(*key)), params))
        layers += [own | row for row in by_layer(ticket, params.hw.array)]
        if key[-1] == len(params.lineage.chain("lth")) - 1:
            write_mask(ticket, MASKS / f"{key[0]}-{key[1]}-{key[2]}.npz")
    add(TICKETS, tickets)
    add(LAYERS, layers)


def trained() -> Iterator[tuple[tuple[str, int, str, int], Ticket, Params]]:
    """Yield key, ticket and params of each ticket that is whole, chain by chain."""
    for network, seed in ((network, seed) for network, seeds in SEEDS.items() for seed in seeds):
        params = params_of(network, seed)
        chains = {method: len(params.lineage.chain(method)) - 1 for method in params.balance}
        rounds = [(DENSE, 0), *((method, n) for method, last in chains.items() for n in range(1, last + 1))]
        for method, number in rounds:
            files = TicketFiles(ticket_folder(network, seed, method, number))
            if files.metrics.exists():
                yield (network, seed, method, number), Ticket.read(files.folder), params


def ticket_folder(network: str, seed: int, method: str, number: int) -> Path:
    """Return the folder of the ticket of a round; round 0 is the dense one."""
    return folder_of(network, seed) / (f"{method}/r{number:02d}" if number else DENSE)


def about(ticket: Ticket, files: TicketFiles, params: Params) -> Row:
    """Return accuracy, size, utilization and costs of a ticket, by both timing models."""
    metrics, array = read_json(files.metrics), params.hw.array
    analytic = simulate(ticket, array, model="analytic").network
    events = {name: simulate(ticket, array, Broadcast(fifo_depth=depth)).network for name, depth in DEPTHS.items()}
    drawn = [audit(replace(ticket, mask=shuffled(ticket.mask, seed)), array).utilization for seed in range(DRAWS)]
    return {
        **{name: metrics[name] for name in ("accuracy", "sparsity", "spike_sparsity")},
        "nonzeros": ticket.mask.num_kept,
        "utilization": analytic.utilization,
        "utilization_drawn": float(np.mean(drawn)),
        "kept_by_initial": overlap(ticket.mask, initial_weights(params, classes=len(list(ticket.mask.values())[-1]))),
        **{name: getattr(analytic, name) for name in ("work_cycles", "idle_cycles", "latency_cycles", "energy")},
        **{f"cycles_fifo_{name}": cost.latency_cycles for name, cost in events.items()},
        **{f"pj_fifo_{name}": cost.total_pj for name, cost in events.items()},
        "train_s": read_json(files.cost)["seconds"],
    }


def by_layer(ticket: Ticket, array: Array) -> Iterator[Row]:
    """Yield a row for each layer on the PEs: sizes and the analytic model."""
    for layer in audit(ticket, array).layers:
        sizes = {"layer": layer.name, "weights": layer.weights, "nonzeros": layer.nonzeros}
        cycles = {name: getattr(layer, name) for name in ("work_cycles", "idle_cycles", "latency_cycles")}
        yield {**sizes, "utilization": layer.utilization, **cycles}


def shuffled(mask: Mask, seed: int) -> Mask:
    """Return a mask with as many weights in each layer, at random positions."""
    rng = generator(seed, "shuffled")
    return Mask({name: rng.permutation(kept.ravel()).reshape(kept.shape) for name, kept in mask.items()})


def initial_weights(params: Params, classes: int) -> Weights:
    """Return the weights that the dense training started from, by layer."""
    size = params.data.size
    network = build(params.model, (params.data.channels, size, size), classes, torch_seed(params.seed, "weights"))
    shrink(network)
    layers = weight_layers(network).items()
    return {name: layer.weight.detach().numpy().reshape(mask_shape(layer)) for name, layer in layers}


def overlap(mask: Mask, weights: Weights) -> float:
    """Return the share of the kept weights that are among the largest of their layer in `weights`, as many as are kept.

    1: the mask is that of these weights. A random mask has its density, by layer.
    """
    common = 0
    for name, kept in mask.items():
        number, size = int(kept.sum()), np.abs(weights[name]).ravel()
        largest = np.argpartition(-size, number - 1)[:number] if number else np.array([], dtype=np.int64)
        common += int(kept.ravel()[largest].sum())
    return common / mask.num_kept


def write_mask(ticket: Ticket, path: Path) -> None:
    """Write the masks of the layers on the PEs as a compressed .npz file; the same masks give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{f"{layer.name}.mask": ticket.mask[layer.name] for layer in ticket.on_pes})
    write_bytes(path, buffer.getvalue())


def read(path: Path) -> pd.DataFrame:
    """Return a table, empty if there is none yet."""
    return pd.read_csv(path) if path.exists() else pd.DataFrame()


def add(path: Path, rows: list[Row]) -> None:
    """Add rows to a table, in the order of networks, seeds, methods and rounds."""
    if rows:
        table = pd.concat([read(path), pd.DataFrame(rows)])
        place = {name: n for n, name in enumerate([*SEEDS, DENSE, *params_of("vgg16", 0).balance])}
        in_order = table.sort_values(
            KEY, key=lambda c: c.map(place) if c.name in ("network", "method") else c, kind="stable"
        )
        write_text(path, in_order.to_csv(index=False, float_format="%.10g"))
