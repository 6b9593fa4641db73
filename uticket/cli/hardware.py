"""`uticket simulate` and `uticket export`: a ticket on the array."""

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from uticket.base.errors import InputError
from uticket.cli.options import array_options, choice, free_to_write, json_option, show
from uticket.config.names import CostModel, Granularity, Quantizer, TokenCost
from uticket.config.params import whole_or_inf
from uticket.config.paths import TicketFiles
from uticket.hardware.chip import DEFAULT_CHIP, read_chip
from uticket.mapping.mapping import Array
from uticket.ticket.foreign import write_arrays
from uticket.ticket.subject import Subject, read_subject


class Limit(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A whole number from `least` on, or inf."""

    name = "N|inf"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number."""
        try:
            return whole_or_inf(int(value) if str(value).isdecimal() else value, self.least)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def finite(_: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuse NaN and infinity."""
    if not math.isfinite(value):
        raise click.BadParameter(f"expected a finite number, came {value}", param=parameter)
    return value


@click.command("simulate")
@click.argument("folder", metavar="TICKET_DIR", type=click.Path(path_type=Path))
@array_options
@choice("--model", CostModel, "events", "Wait for the broadcast of spikes, or for the busiest PE only (analytic).")
@choice("--granularity", Granularity, "token", "What is sent at a time.")
@click.option("--fifo-depth", type=Limit(0), default=64, show_default=True, help="Tokens that wait at a PE.")
@click.option("--broadcast-width", type=Limit(1), default="inf", show_default=True, help="Tokens sent in a cycle.")
@choice("--token-cost", TokenCost, "timesteps", "Cycles that a token takes a PE for each weight.")
@click.option("--accumulators", type=click.IntRange(1), default=256, show_default=True, help="Outputs of a tile.")
@click.option("--send-unwanted", is_flag=True, help="Send the tokens too for which no PE has a weight.")
@click.option("--weight-bits", type=click.IntRange(2, 16), help="Round the weights to so many bits first.")
@choice("--quantizer", Quantizer, "plain", "What becomes of small weights.")
@click.option("--chip", type=click.Path(path_type=Path), default=DEFAULT_CHIP, help="What the parts of the array cost.")
@click.option(
    "--leakage-ratio",
    type=click.FloatRange(0),
    callback=finite,
    default=0.21,
    show_default=True,
    help="E_l / E_d of Eq. 3.",
)
@json_option
def simulate_command(
    folder: Path,
    array: Array,
    model: CostModel,
    granularity: Granularity,
    fifo_depth: float,
    broadcast_width: float,
    token_cost: TokenCost,
    accumulators: int,
    send_unwanted: bool,
    weight_bits: int | None,
    quantizer: Quantizer,
    chip: Path,
    leakage_ratio: float,
    as_json: bool,
) -> None:
    """Run a ticket on the array with the spikes that it keeps: cycles, tokens and energy by layer, for one image.

    TICKET_DIR has mask.safetensors (or .npz), layers.json and activity.npz.
    """
    from uticket.hardware.events import Broadcast, read_spikes  # imported here: numba would slow the other commands
    from uticket.hardware.simulate import Cost, Network, network_cost, simulate

    subject = read_ticket(folder).rounded(weight_bits, quantizer)
    broadcast = Broadcast(granularity, fifo_depth, broadcast_width, token_cost, accumulators, not send_unwanted)
    costs = read_chip(chip)
    spikes = read_spikes(TicketFiles(folder).spikes, subject.layers, subject.timesteps)
    sparsity = {name: float(1 - values.mean()) for name, values in spikes.items()}
    network = Network(subject.layers, subject.mask, subject.timesteps, sparsity, spikes)
    layers = simulate(network, array, broadcast, costs, leakage_ratio, model)

    def record(cost: Cost) -> dict[str, Any]:
        nested = {"energy_pj": cost.energy_pj | {"total": cost.total_pj}, "accesses": cost.accesses}
        names = ("name", "filters", "weights", "nonzeros", "groups", "energy")
        by_pe = {"by_pe": cost.by_pe} if cost.by_pe else {}
        total = {} if as_json else {"total_pj": cost.total_pj}
        return {**{name: getattr(cost, name) for name in names}, **asdict(cost.course), **nested, **by_pe, **total}

    images = {"images": len(next(iter(spikes.values())))}
    settings = {"model": model, "pes": array.pes, "mapping": array.policy, "dataflow": array.dataflow}
    told = {name: str(value) if value == float("inf") else value for name, value in asdict(broadcast).items()}
    result = {**settings, **told, "timesteps": subject.timesteps, **images}
    result["chip"] = {"name": costs.name, "leakage_ratio": costs.leakage_ratio, "pe_area_um2": costs.pe_area_um2}
    result |= {"layers": [record(cost) for cost in layers], "network": record(network_cost(layers))}
    columns = ["name", "utilization", "busy_share", "work_cycles", "starved_cycles", "blocked_cycles", "tail_cycles"]
    show(result, as_json, [*columns, "latency_cycles", "tokens", "dropped_tokens", "total_pj"])


@click.command()
@click.argument("folder", metavar="TICKET_DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT.npz", type=click.Path(path_type=Path))
@array_options
@click.option("--format", "form", type=click.Choice(["wsp"]), default="wsp", show_default=True, help="Of the streams.")
@click.option("--weight-bits", type=click.IntRange(2, 16), default=16, show_default=True, help="Bits of a word in use.")
@choice("--quantizer", Quantizer, "plain", "What becomes of small weights.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def export(
    folder: Path, out: Path, array: Array, form: str, weight_bits: int, quantizer: Quantizer, force: bool
) -> None:
    """Write the compressed weights of a ticket as the PEs read them, for an RTL test bench.

    OUT has for each layer the streams of all PEs: the weight sparsity pattern (WSP) and the words of each filter.
    """
    from uticket.hardware.export import to_wsp

    free_to_write(out, [".npz"], force)
    subject = read_ticket(folder)
    if subject.weights is None:
        raise InputError(f"{TicketFiles(folder).weights}: expected the weights of the ticket, came none")
    arrays = to_wsp(subject.layers, subject.mask, subject.weights, array, weight_bits, quantizer)
    write_arrays(out, arrays)
    words = sum(len(values) for name, values in arrays.items() if name.endswith(".words"))
    click.echo(f"written: {out} ({len(subject.layers)} layers, {words} words, {form})")


def read_ticket(folder: Path) -> Subject:
    """Read the folder of a ticket. Raises InputError if it is none, or has no layer on the PEs."""
    if not os.path.isdir(folder):  # noqa: PTH112, unlike Path.is_dir it never raises
        raise InputError(
            f"{folder}: expected the folder of a ticket, came {'a file' if os.path.lexists(folder) else 'none'}"
        )
    return read_subject(folder)
