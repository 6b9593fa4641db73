"""nir: the network of a ticket as a NIR graph, which most simulators of spiking networks read.

Source: Pedersen et al. 2024, Neuromorphic Intermediate Representation, and the package `nir`, version 1.0.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
from numpy.typing import NDArray
from torch import nn

from uticket.base.errors import InputError
from uticket.base.files import write_bytes
from uticket.exchange.format import Format, Source, Written
from uticket.exchange.wiring import Step, trained_network, wire

Floats = NDArray[np.float32]
NO_LEAK = 2**-10  # of neurons that pool: a rest below 0.5 never matters, and SpikingJelly refuses 0
DT = 1e-4  # seconds of a timestep: what readers assume, since NIR has none


def write_nir(source: Source, out: Path) -> Written:
    """Write an HDF5 file, as `nir.read` reads it. Raises InputError if NIR cannot have a step of the network."""
    network, layers = trained_network(source), source.ticket.layers
    graph = to_nir(wire(network, (layers[0].channels, *layers[0].input_size)))
    graph.metadata = {"timesteps": source.ticket.timesteps, "dt": DT, "reset": "to zero, in the timestep of the spike"}
    write_bytes(out, in_order(graph))
    fire = sum(isinstance(node, nir.LIF) for node in graph.nodes.values())
    return Written(f"{len(graph.nodes)} nodes, {fire} of them neurons")


def in_order(graph: nir.NIRGraph) -> bytes:
    """Return the file of a graph whose nodes are read in the order in which they run.

    HDF5 sorts them by name otherwise, and nirtorch 2.0 gives up on graphs whose nodes are far from in order.
    """
    content, settings = io.BytesIO(), h5py.get_config()
    before, settings.track_order = settings.track_order, True
    try:
        nir.write(content, graph)
    finally:
        settings.track_order = before
    return content.getvalue()


def to_nir(steps: Sequence[Step]) -> nir.NIRGraph:
    """Return the graph of a network, whose input is the same image (or the next frame) in every timestep.

    Batch norm is folded into the convolution before it, a mean over positions into the linear layer after it. A sum is
    a node at which several edges arrive. Dots in names, which readers cannot have, become underscores.
    """
    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []
    values: dict[str, list[str]] = {}  # step -> the nodes whose sum it is
    for step in steps:
        arriving = [node for before in step.inputs for node in values[before]]
        for name, node in nodes_of(step, steps):
            nodes[name] = node
            edges += [(before, name) for before in arriving]
            arriving = [name]
        values[step.name] = arriving
    nodes["output"] = nir.Output({"output": np.array(steps[-1].shape)})
    edges += [(before, "output") for before in values[steps[-1].name]]
    return nir.NIRGraph(nodes, edges)


def nodes_of(step: Step, steps: Sequence[Step]) -> list[tuple[str, nir.NIRNode]]:
    """Return the nodes, in a row, that do what a step does; none of a sum, and of what is folded into others."""
    name = step.name.replace(".", "_")
    before = [one for one in steps if one.name in step.inputs]
    after = [one for one in steps if step.name in one.inputs]
    match step.kind:
        case "input":
            return [("input", nir.Input({"input": np.array(step.shape)}))]
        case "conv":
            norm = next((one.module for one in after if one.kind == "norm"), None)
            return [(name, convolution(before[0].shape, step.module, *folded(step.module, norm)))]
        case "norm":
            readers = [one for one in steps if before[0].name in one.inputs]
            check(step, "one batch norm after a convolution", before[0].kind == "conv" and len(readers) == 1)
            return []
        case "fire":
            leak, spike_threshold, _ = step.module.constants
            return [(name, neurons(step.shape, leak, spike_threshold))]
        case "pool":
            check(step, "pooling of spikes", before[0].kind in ("fire", "pool"))
            fires = neurons(step.shape, NO_LEAK, spike_threshold=0.5)
            return [(name, sum_pool(before[0].shape)), (f"{name}_fires", fires)]
        case "mean":
            check(step, "a linear layer after the mean over positions", [one.kind for one in after] == ["linear"])
            return [(name, nir.Flatten({"input": np.array(before[0].shape)}, start_dim=-3, end_dim=-1))]
        case "linear":
            positions = 1
            if before[0].kind == "mean":
                averaged = next(one for one in steps if one.name == before[0].inputs[0])
                positions = math.prod(averaged.shape[1:])
            return [(name, affine(step.module, positions))]
    return []


def check(step: Step, expected: str, fits: bool) -> None:
    """Raise InputError, naming the step, if it does not fit a NIR graph."""
    if not fits:
        raise InputError(f"nir: expected {expected}, got {step.name} after {' and '.join(step.inputs)}")


def neurons(shape: tuple[int, ...], leak: float, spike_threshold: float) -> nir.LIF:
    """Return LIF neurons that do in one Euler step of `DT` what `uticket.engine.lif` does in a timestep.

    tau dv/dt = (v_leak - v) + r I becomes v + DT / tau * (r I - v) with v_leak = 0; that is leak * v + (1 - leak) * I
    with tau = DT / (1 - leak) and r = 1. NIR fires where v > v_threshold, we where u >= spike_threshold: v_threshold is
    the next smaller number of float32, for which both are the same.
    """
    below = np.nextafter(np.float32(spike_threshold), np.float32(0))
    ones = np.ones(shape, dtype=np.float32)
    return nir.LIF(tau=ones * DT / (1 - leak), r=ones, v_leak=0 * ones, v_threshold=ones * below)


def sum_pool(before: tuple[int, ...]) -> nir.Conv2d:
    """Return a sum of each 2 x 2, sizes rounded up: neurons that fire over 0.5 then have the largest spike of each.

    A convolution that reads its own channel only, without groups, since no reader has those, and hardly one has both
    sums and means. For odd sizes the kernel is 3 x 3 with padding 1, its first row and column zero: the last window may
    then reach over the lower and the right edge, as in our pooling.
    """
    channels, *size = before
    odd = any(side % 2 for side in size)
    kernel = np.zeros((channels, channels, 2 + odd, 2 + odd), dtype=np.float32)
    kernel[np.arange(channels), np.arange(channels), -2:, -2:] = 1
    bias = np.zeros(channels, dtype=np.float32)
    return nir.Conv2d(tuple(size), kernel, (2, 2), (int(odd), int(odd)), (1, 1), 1, bias)


def convolution(before: tuple[int, ...], of: nn.Conv2d, weight: Floats, bias: Floats) -> nir.Conv2d:
    """Return a convolution of an input of shape `before`, with other weights."""
    return nir.Conv2d(before[1:], weight, of.stride, of.padding, of.dilation, of.groups, bias)


def affine(module: nn.Linear, positions: int) -> nir.Affine:
    """Return a linear layer of the mean over positions, whose inputs are all of them, (channels x positions)."""
    weight = numbers(module.weight).repeat(positions, axis=1) / positions
    bias = np.zeros(len(weight)) if module.bias is None else numbers(module.bias)
    return nir.Affine(weight.astype(np.float32), bias.astype(np.float32))


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Floats, Floats]:
    """Return weights and biases of a convolution together with the batch norm after it, as trained; in float64 between.

    A pruned weight stays zero.
    """
    weight, bias = numbers(conv.weight), 0.0 if conv.bias is None else numbers(conv.bias)
    if norm is not None:
        scale = numbers(norm.weight) / np.sqrt(numbers(norm.running_var) + norm.eps)
        weight, bias = (
            weight * scale[:, None, None, None],
            numbers(norm.bias) + (bias - numbers(norm.running_mean)) * scale,
        )
    return weight.astype(np.float32), np.broadcast_to(bias, len(weight)).astype(np.float32)


def numbers(tensor: Any) -> NDArray[np.float64]:
    """Return a tensor as an array of float64."""
    values: NDArray[np.float64] = tensor.detach().double().contiguous().numpy()
    return values


FORMATS = {"nir": Format((".nir",), write_nir)}
