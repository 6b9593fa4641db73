"""A training step on the CPU with pruned weights: by the kept weights (ours sparse), dense (ours dense), step by step.

The networks of the paper (VGG-16 at 32 x 32) and of the default run (vgg7 at 8 x 8), T = 4. Ours, a plain snnTorch loop
over the timesteps and SpikingJelly run in turn in one process, on the same images; times are medians of the repeats, in
seconds. Then each layer shape of both networks alone, at several densities: where SPARSE_BELOW of
`uticket.engine.choose` comes from. `python -m benchmarks.sparse` prints JSON.
"""

import json
import platform

import numpy as np
import torch
from torch import nn

from benchmarks.plain import plain_networks
from benchmarks.step import settings, stepper
from benchmarks.timing import in_turn
from uticket.base.seeds import generator
from uticket.engine.choose import choose_layout
from uticket.engine.layout import BatchFirst
from uticket.engine.sparse import KeptWeights, SparseConv
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.ticket.mask import Mask
from uticket.training.device import choose_device
from uticket.training.masking import MaskedWeights

REPEATS = 7
CASES = {"vgg7 at 8 x 8": ("vgg7", (1, 8, 8), 64), "vgg16 at 32 x 32": ("vgg16", (3, 32, 32), 64)}
DENSITIES = [0.5, 0.25, 0.125, 0.0625, 0.03, 0.02, 0.015]  # of the default run's rounds, and 98 %
LAYER_DENSITIES = [0.02, 0.04, 0.08, 0.12, 0.16]


def pruned(network: SpikingNetwork, density: float) -> Mask:
    """A mask of made-up weights, filters of different density."""
    rng = generator(0, "benchmark", "sparse")
    masks = {}
    for name, layer in weight_layers(network).items():
        rate = density * rng.gamma(2.0, 0.5, size=(layer.weight.shape[0],) + (1,) * (layer.weight.dim() - 1))
        masks[name] = rng.random(tuple(layer.weight.shape)) < rate
    return Mask(masks)


def network_steps(case: str, density: float, others: bool) -> dict[str, float]:
    """Time a step of one network at one density."""
    name, shape, batch = CASES[case]
    images, labels = torch.randn(batch, *shape), torch.randint(10, (batch,))
    calls = {}
    for kind in ("sparse", "dense"):
        network = build(settings(name), shape, 10, seed=0)
        mask = pruned(network, density)
        MaskedWeights(network, mask)
        if kind == "sparse":
            convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d)}
            positions = {layer.name: layer.positions for layer in describe_layers(network, shape)}
            network.layout = choose_layout(convolutions, mask, positions)
        calls[kind] = stepper(network, images, labels)
    if others:
        for way, network in plain_networks(settings(name), shape[0], 10, torch.device("cpu")).items():
            calls[way] = stepper(network, images, labels)
    return in_turn(calls, REPEATS)


def layer_steps(filters: int, channels: int, side: int, images: int, density: float) -> float:
    """Return how many times faster than PyTorch a layer runs by its kept weights, forward and backward."""
    rng = np.random.default_rng(0)
    module = nn.Conv2d(channels, filters, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
    mask = rng.random(tuple(module.weight.shape)) < density
    with torch.no_grad():
        module.weight *= torch.from_numpy(mask)
    kept = KeptWeights.of(mask, 1, 1)
    last = (torch.rand(channels, 4, side, side, images // 4) < 0.15).float().requires_grad_()
    first = (
        last.detach()
        .permute(1, 4, 0, 2, 3)
        .flatten(0, 1)
        .contiguous(memory_format=torch.channels_last)
        .requires_grad_()
    )
    grad = torch.randn(filters, 4, side, side, images // 4)
    grad_first = grad.permute(1, 4, 0, 2, 3).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    seconds = in_turn(
        {
            "sparse": lambda: SparseConv.apply(last, module.weight, kept).backward(grad),
            "dense": lambda: BatchFirst().conv(module, first).backward(grad_first),
        },
        REPEATS,
    )
    return seconds["dense"] / seconds["sparse"]


def main() -> None:
    """Measure and print JSON."""
    choose_device("cpu")
    report = {"repeats": REPEATS, "threads": torch.get_num_threads(), "machine": platform.machine(), "cases": {}}
    for case in CASES:
        rounds = {str(density): network_steps(case, density, others=density == 0.02) for density in DENSITIES}
        at_98 = rounds["0.02"]
        report["cases"][case] = {
            "seconds_by_density": rounds,
            "times_faster_at_98_percent": {kind: s / at_98["sparse"] for kind, s in at_98.items() if kind != "sparse"},
        }
    shapes = [(32, 32, 8, 256), (64, 64, 4, 256), (128, 128, 2, 256), (64, 64, 32, 256), (128, 128, 16, 256)]
    shapes += [(256, 256, 8, 256), (512, 512, 4, 256), (512, 512, 2, 256)]
    report["times_faster_by_layer"] = [
        {"filters": f, "channels": c, "side": side, "images": n}
        | {str(density): layer_steps(f, c, side, n, density) for density in LAYER_DENSITIES}
        for f, c, side, n in shapes
    ]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
