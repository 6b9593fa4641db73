"""What balancing is worth on a network of the paper's size: cycles, FIFO area and energy of a VGG-16.

Trains the network (`experiments.vgg16`), draws masks, balances them, and writes into docs/results/: vgg16_network.csv,
vgg16_latency.csv, vgg16_dataflows.csv, vgg16_bandwidth.csv and vgg16_energy.csv, of which `uticket readme` makes tables
and a figure of docs/.
`python -m experiments.vgg16_costs --seed 0` takes some minutes on two cores, nearly all of them for the training; a run
that is stopped resumes it, and the trained network stays in .uticket/ for the next run.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import click

from experiments.vgg16 import draw_masks, folder_of, params_of, trained
from uticket.base.files import read_json, write_rows
from uticket.base.progress import bar, start_logging
from uticket.config.array import Array, Broadcast, WeightFormat
from uticket.config.params import read_params
from uticket.config.paths import TicketFiles
from uticket.config.pruning import Balance
from uticket.hardware.audit import audit
from uticket.hardware.chip import DEFAULT_CHIP, Chip
from uticket.hardware.simulation import simulate
from uticket.pruning.balance import balance
from uticket.ticket.ticket import Ticket

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
SPARSITY = 0.982  # of the paper's VGG-16
SPARSITIES = (0.95, 0.98)  # for energy: where the paper states shares, and near its tickets
DEPTHS = (0, 8, 16, 32, 64, 128, 256, 512, 1024, float("inf"))
ORDERS = ("position", "activation")
SWAPS, SWAP_DEPTHS = (0, 3, 22), (64, 512, float("inf"))
BANDWIDTHS: dict[str, Any] = {  # settings of the array by what they are
    "unlimited": {},
    "chip, two buffers": {"bandwidth": "chip"},
    "chip, one buffer": {"bandwidth": "chip", "buffers": 1},
    "chip, two buffers, CSR": {"bandwidth": "chip", "weight_format": "csr"},
}
DATAFLOWS = {"filters": (0, 8, 64, float("inf")), "inner-join": (0, 1, 8), "outputs": (0,), "gustavson": (0,)}  # depths
CHIPS = {"lop 360 K": "uticket-32nm-lop.yaml", "lstp 300 K": "uticket-32nm-lstp.yaml"}
HELD: tuple[tuple[str, WeightFormat], ...] = (("lop 360 K", "wsp"), ("lstp 300 K", "wsp"), ("lstp 300 K", "best"))

Row = dict[str, Any]
Method = Callable[[Ticket, int], Ticket]  # ticket, seed -> ticket with another mask
METHODS: dict[str, Method] = {
    "lth": lambda ticket, seed: ticket,
    "uticket": lambda ticket, seed: balance(ticket, Array(), seed=seed),
    "share4": lambda ticket, seed: balance(ticket, Array(), Balance(share=4), seed=seed),
    "share16": lambda ticket, seed: balance(ticket, Array(), Balance(share=16), seed=seed),
}


@click.command(help=__doc__)
@click.option("--seed", default=0, show_default=True, help="Of the training, the masks and the balancing.")
def main(seed: int) -> None:
    """Run the experiment."""
    start_logging()
    network = trained(params_of(read_params(ROOT / "params.yaml"), seed), ROOT)
    tickets = balanced(network, SPARSITY, seed)
    write_rows(RESULTS / "vgg16_network.csv", list(about(tickets, TicketFiles(folder_of(ROOT, seed)), seed)))
    write_rows(RESULTS / "vgg16_latency.csv", list(latencies(tickets)))
    write_rows(RESULTS / "vgg16_dataflows.csv", list(dataflows(tickets)))
    write_rows(RESULTS / "vgg16_bandwidth.csv", list(bandwidths(tickets)))
    energy = [row for share in SPARSITIES for row in energies(balanced(network, share, seed), share)]
    write_rows(RESULTS / "vgg16_energy.csv", energy)


def balanced(network: Ticket, sparsity: float, seed: int) -> dict[str, Ticket]:
    """Return the network with masks of a sparsity, by method."""
    pruned = replace(network, mask=draw_masks(network, sparsity, seed))
    return {name: way(pruned, seed) for name, way in METHODS.items()}


def about(tickets: dict[str, Ticket], files: TicketFiles, seed: int) -> Iterator[Row]:
    """Yield a row for each method: what was trained and drawn, and how it runs by the analytic model."""
    metrics = read_json(files.metrics)
    for name, ticket in tickets.items():
        found = audit(ticket, Array()).network
        trained_network = {"accuracy_dense": metrics["accuracy"], "spike_sparsity": metrics["spike_sparsity"]}
        mask = {"sparsity": found.sparsity, "utilization": found.utilization}
        yield {"method": name, "seed": seed, "images": ticket.num_images, **trained_network, **mask}


def latencies(tickets: dict[str, Ticket]) -> Iterator[Row]:
    """Yield a row for each method and way to run it."""
    cases = [("analytic", 0, "position", swap) for swap in SWAPS]
    cases += [("events", depth, order, 0) for order, depth in product(ORDERS, DEPTHS)]
    cases += [("events", depth, "position", swap) for depth, swap in product(SWAP_DEPTHS, SWAPS[1:])]
    runs = list(product(cases, tickets.items()))
    for (model, depth, order, swap), (name, ticket) in bar(runs, "simulating", "tickets"):
        array, broadcast = Array(weight_swap_cycles=swap), Broadcast(fifo_depth=depth, order=order)
        found = simulate(ticket, array, broadcast, Chip.read(), model=model)
        case = {"model": model, "order": order, "fifo_depth": depth, "weight_swap_cycles": swap}
        shown = ("latency_cycles", "busy_share", "utilization", "fifo_max", "pe_pj", "total_pj")
        columns = found.network.columns() | {"pe_pj": found.network.pe_pj}
        yield {"method": name, **case, **{key: columns[key] for key in shown}, "pe_area_um2": found.pe_area_um2}


def dataflows(tickets: dict[str, Ticket]) -> Iterator[Row]:
    """Yield a row for each method, dataflow and depth of the FIFOs, by the event model."""
    cases = [(dataflow, depth) for dataflow, depths in DATAFLOWS.items() for depth in depths]
    runs = list(product(cases, tickets.items()))
    for (dataflow, depth), (name, ticket) in bar(runs, "simulating dataflows", "tickets"):
        found = simulate(ticket, Array(dataflow=dataflow), Broadcast(fifo_depth=depth), Chip.read())
        costs = {"latency_cycles": found.network.latency_cycles, "busy_share": found.network.busy_share}
        energy = {"pe_pj": found.network.pe_pj, "total_pj": found.network.total_pj}
        yield {"method": name, "dataflow": dataflow, "fifo_depth": depth, **costs, **energy}


def bandwidths(tickets: dict[str, Ticket]) -> Iterator[Row]:
    """Yield a row for each dataflow and bandwidth: the balanced masks of whole filters, with FIFOs of 64 entries."""
    for dataflow, (name, settings) in bar(list(product(DATAFLOWS, BANDWIDTHS.items())), "simulating memories", "runs"):
        array = Array(dataflow=dataflow, **settings)
        cost = simulate(tickets["uticket"], array, Broadcast(fifo_depth=64), Chip.read()).network
        times = {"latency_cycles": cost.latency_cycles, "memory_cycles": cost.memory_cycles}
        yield {"dataflow": dataflow, "bandwidth": name, **times, **cost.needed_cycles, "bound": cost.bound}


def energies(tickets: dict[str, Ticket], sparsity: float) -> Iterator[Row]:
    """Yield a row for each model, chip, format of the weights and method: the energy of each component."""
    chips = {name: Chip.read(DEFAULT_CHIP.parent / file) for name, file in CHIPS.items()}
    for model, (chip, form), (name, ticket) in product(("analytic", "events"), HELD, tickets.items()):
        network = simulate(ticket, Array(weight_format=form), Broadcast(), chips[chip], model=model).network
        case = {"sparsity": sparsity, "model": model, "chip": chip, "format": form, "method": name}
        yield {**case, **network.energy_pj, "pe_pj": network.pe_pj, "total_pj": network.total_pj}


if __name__ == "__main__":
    main()
