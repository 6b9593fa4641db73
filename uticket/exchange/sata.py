"""sata: the layers as a workload file of SATA_Sim, with one sparsity for the network.

Source: github.com/RuokaiYin/SATA_Sim, commit d447058, folder inference-energy-cal: workload.yaml, energy-cal.py (how
operations are counted) and cycle-utils.py (what its copy of SCALE-Sim v2 is given).
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from uticket.base.files import is_file, write_text
from uticket.exchange.format import Format, Source, Written
from uticket.exchange.scalesim import not_dense
from uticket.hardware.measured import measured_sparsity
from uticket.ticket.layer import Layer

BORDER = 2  # pixels that SATA_Sim adds to each side length of the input of any convolution


def write_sata(source: Source, out: Path) -> Written:
    """Write all layers that SATA_Sim can count, each as often as it has groups.

    sparsity: the share of the operations counted by SATA_Sim that are skipped, in [0, 1]: what is left meets a kept
    weight and a spike. An input that would be smaller than its kernel, which SATA_Sim refuses, is enlarged to it; the
    operations of the network stay right, the cycles and neurons of that layer are too many.
    """
    spikes = spike_shares(source)
    layers, left_out = source.choose(lambda layer: why_not(layer, layer.name in spikes))
    done = sum(int(source.ticket.mask[n.name].sum()) * n.positions * spikes[n.name] for n in layers)
    sparsity = 1 - done / sum(operations(layer) for layer in layers)
    lines = ["General:", f"  timestep: {source.ticket.timesteps}", f"  sparsity: {sparsity!r}", "", "Layers:"]
    lines += [line for layer in named(layers) for line in layer]
    write_text(out, "\n".join(lines) + "\n")
    enlarged = sum(operations(layer) > layer.num_weights * layer.positions for layer in layers)
    skipped = f"{sparsity:.2%} of the operations skipped"
    return Written(f"{len(layers)} layers, {enlarged} of them enlarged, {skipped}", left_out)


def spike_shares(source: Source) -> dict[str, float]:
    """Return the share of the inputs with a spike of each layer of which it is known, 1 for one that reads no spikes.

    As measured over the test images (activity.csv), or of the images whose spikes the ticket has.
    """
    layers = source.ticket.layers
    reading = [layer.name for layer in layers if layer.reads in ("spikes", "counts")]
    shares = {layer.name: 1.0 for layer in layers if layer.name not in reading}
    if is_file(source.files.activity):
        sparsity = measured_sparsity(source.files.activity, reading)
        return shares | {name: 1 - share for name, share in sparsity.items()}
    spikes = source.ticket.spikes or {}
    return shares | {name: float((spikes[name] != 0).mean()) for name in reading if name in spikes}


def why_not(layer: Layer, spikes_known: bool) -> str:
    """Say why SATA_Sim cannot have a layer; empty if it can."""
    if not spikes_known:
        return "unknown spikes"
    if layer.kind == "linear":
        return f"applied at {layer.positions} tokens" if layer.positions > 1 else ""
    return not_dense(layer)


def input_size(layer: Layer) -> tuple[int, int]:
    """Return the height and width of the input with which SATA_Sim, whose border is fixed, gets the right output."""
    if layer.kind == "linear":
        return 1, 1
    height, width = (
        max((out - 1) * step + side - BORDER, side)
        for out, step, side in zip(layer.output_size, layer.stride, layer.kernel, strict=True)
    )
    return height, width


def operations(layer: Layer) -> int:
    """Return the operations of one dense timestep, as SATA_Sim counts them."""
    if layer.kind == "linear":
        return layer.num_weights
    sizes = zip(input_size(layer), layer.kernel, layer.stride, strict=True)
    return layer.num_weights * math.prod((size + BORDER - side) // step + 1 for size, side, step in sizes)


def named(layers: Sequence[Layer]) -> Iterator[list[str]]:
    """Return the lines of each layer, or group of one. Only names with Conv or FC count, and FC not if it has Conv."""
    numbers = {"Conv": 0, "FC": 0}
    for layer in layers:
        kind = "Conv" if layer.kind == "conv" else "FC"
        height, width = input_size(layer)
        values = {"IFMAP Height": height, "IFMAP Width": width}
        values |= {"Filter Height": layer.kernel[0], "Filter Width": layer.kernel[1]}
        values |= {"Channels": layer.channels // layer.groups, "Num Filter": layer.filters // layer.groups}
        values["Strides"] = layer.stride[0]
        for _ in range(layer.groups):
            numbers[kind] += 1
            lines = [f"      {key}: {value}" for key, value in values.items()]
            yield [f"  - name: {kind}{numbers[kind]}  # {layer.name}", "    attributes:", *lines]


FORMATS = {"sata": Format((".yaml", ".yml"), write_sata)}
