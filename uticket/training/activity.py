"""What the neurons do while a ticket is tested: the spikes that arrive at each layer."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from uticket.capturing.arrivals import Counting
from uticket.networks.arriving import See, arriving
from uticket.networks.network import SpikingNetwork
from uticket.ticket.layer import Layer
from uticket.training.batches import Images
from uticket.training.evaluate import TEST_BATCH


@dataclass(frozen=True)
class LayerActivity:
    """The input of one layer over a set of images."""

    layer: str
    spike_sparsity: float  # share of (image, timestep, neuron) without a spike, in [0, 1]
    silent_share: float  # share of (image, neuron) without a spike in any timestep, in [0, 1]


@torch.no_grad()
def measure_activity(network: SpikingNetwork, layers: Sequence[Layer], images: Images) -> list[LayerActivity]:
    """Measure the input of each layer that reads spikes or counts of them, over all `images`.

    A silent neuron is what the activation processing unit of the array drops: no spike in all timesteps of an image.
    """
    reading = [layer.name for layer in layers if layer.reads_spikes]
    totals = {name: torch.zeros(4, dtype=torch.int64, device=images.labels.device) for name in reading}

    def count(name: str, spikes: Tensor) -> None:
        active = spikes != 0
        firing = active.any(0)
        counts = active.sum(), active.numel(), firing.sum(), firing.numel()
        totals[name] += torch.stack([torch.as_tensor(n, device=spikes.device) for n in counts])

    with _inputs(network, reading, count):
        for batch, _ in images.in_order(TEST_BATCH):
            network(batch)
    activity = []
    for name, total in totals.items():
        active, inputs, firing, neurons = total.tolist()
        activity.append(LayerActivity(name, 1 - active / inputs, 1 - firing / neurons))
    return activity


@torch.no_grad()
def sample_spikes(
    network: SpikingNetwork,
    layers: Sequence[Layer],
    images: Images,
    num_images: int,
    factors: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, NDArray[Any]]:
    """Return the input spikes of each layer that reads spikes, for a few images spread evenly over `images`.

    The arrays have shape (images, T, channels, height, width): booleans, or numbers of spikes (uint8) where the layer
    reads counts, or the mean of spikes over some positions, as after average pooling. A layer whose inputs are
    no multiples of one number has none. factors: that number of layers, as more images show it (`with_reads`).
    """
    if num_images == 0:
        return {}
    chosen = torch.linspace(0, len(images) - 1, min(num_images, len(images))).long().to(images.labels.device)
    spikes: dict[str, NDArray[Any]] = {}
    kept = {layer.name: layer for layer in layers if layer.reads_spikes}

    def keep(name: str, arriving: Tensor) -> None:
        numbers = _numbers(arriving, kept[name], factors.get(name))
        if numbers is not None:
            spikes[name] = _in_shape(numbers, kept[name]).transpose(0, 1).cpu().numpy()

    with _inputs(network, kept, keep):
        network(images.normalized(images.images[chosen]))
    return spikes


def as_sampled(layers: Sequence[Layer], spikes: Mapping[str, NDArray[Any]]) -> list[Layer]:
    """Return the layers with what they read: counts where `spikes` has numbers."""
    counting = {name for name, values in spikes.items() if values.dtype != bool}
    return [layer.model_copy(update={"reads": "counts"}) if layer.name in counting else layer for layer in layers]


def _numbers(arriving: Tensor, layer: Layer, factor: float | None) -> Tensor | None:
    """Return what arrives as booleans or numbers of spikes; None if it is neither, nor the mean of such numbers."""
    counts = Counting(factor).count(arriving)
    return counts.to(torch.uint8) if counts is not None and layer.reads == "counts" else counts


def _in_shape(values: Tensor, layer: Layer) -> Tensor:
    """(T, B, ...) -> (T, B, channels, height, width); the tokens of a linear layer lie along the width."""
    if layer.kind == "linear":
        values = values.reshape(*values.shape[:2], -1, layer.channels).transpose(2, 3)
    return values.reshape(*values.shape[:2], layer.channels, *layer.input_size)


def network_spike_sparsity(layers: Sequence[Layer], activity: Sequence[LayerActivity]) -> float:
    """Return the spike sparsity of all inputs of the layers that run on the PEs together, in [0, 1].

    Each layer counts by its number of input neurons. NaN if no layer runs on the PEs.
    """
    by_layer = {a.layer: a.spike_sparsity for a in activity}
    neurons = {n.name: n.channels * n.input_size[0] * n.input_size[1] for n in layers if n.on_pes}
    total = sum(neurons.values())
    return sum(by_layer[name] * count for name, count in neurons.items()) / total if total else float("nan")


@contextmanager
def _inputs(network: SpikingNetwork, names: Collection[str], see: See) -> Iterator[None]:
    """Call `see(layer name, input by timestep (T, B, ...))` for each of the layers in every evaluation."""
    training = network.training
    network.eval()
    try:
        with arriving(network, see, names):
            yield
    finally:
        network.train(training)
