"""A training step on the CPU with pruned weights: by the kept weights (ours sparse), dense (ours dense), step by step.

The networks of the paper (VGG-16 at 32 x 32) and of the default run (vgg7 at 8 x 8), T = 4. Ours, a plain snnTorch loop
over the timesteps and SpikingJelly run in turn in one process, on the same images; times are medians of the repeats, in
seconds. Then the large one at 98 % sparsity with teams: 1, 4 or 8 filters that keep the same positions. Then
each layer shape of both networks alone, at several densities, with and without teams: where the limits of
`uticket.engine.choose` come from. `python -m benchmarks.sparse` prints JSON.
"""

import json
import platform
from collections.abc import Callable

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
LAYER_DENSITIES = {1: [0.02, 0.04, 0.08, 0.12, 0.16], 4: [0.04, 0.08, 0.12, 0.16, 0.24]}  # by filters of a team
TEAMS = [1, 4, 8]


def pruned(network: SpikingNetwork, density: float, team: int = 1) -> Mask:
    """A mask of made-up weights, filters of different density; `team` filters keep the same positions."""
    rng = generator(0, "benchmark", "sparse")
    masks = {}
    for name, layer in weight_layers(network).items():
        filters, *positions = layer.weight.shape
        teams = -(-filters // team)
        rate = rng.gamma(2.0, 0.5, size=(teams,) + (1,) * len(positions))
        patterns = rng.random((teams, *positions)) < density * rate / rate.mean()
        masks[name] = patterns.repeat(team, axis=0)[:filters]
    return Mask(masks)


def step(case: str, density: float, sparse: bool, team: int = 1) -> Callable[[], None]:
    """Return a training step of a pruned network, by its kept weights or dense."""
    name, shape, batch = CASES[case]
    network = build(settings(name), shape, 10, seed=0)
    mask = pruned(network, density, team)
    MaskedWeights(network, mask)
    if sparse:
        convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d)}
        positions = {layer.name: layer.positions for layer in describe_layers(network, shape)}
        network.layout = choose_layout(convolutions, mask, positions)
    return stepper(network, torch.randn(batch, *shape), torch.randint(10, (batch,)))


def network_steps(case: str, density: float, others: bool) -> dict[str, float]:
    """Time a step of one network at one density."""
    name, shape, batch = CASES[case]
    calls = {kind: step(case, density, kind == "sparse") for kind in ("sparse", "dense")}
    if others:
        images, labels = torch.randn(batch, *shape), torch.randint(10, (batch,))
        for way, network in plain_networks(settings(name), shape[0], 10, torch.device("cpu")).items():
            calls[way] = stepper(network, images, labels)
    return in_turn(calls, REPEATS)


def team_steps() -> dict[str, dict[str, float]]:
    """Time a step of the large network at 98 % sparsity, by the filters of a team."""
    seconds = in_turn({str(team): step("vgg16 at 32 x 32", 0.02, sparse=True, team=team) for team in TEAMS}, REPEATS)
    faster = {team: seconds["1"] / s for team, s in seconds.items() if team != "1"}
    return {"seconds_by_team": seconds, "times_faster_than_without": faster}


def layer_steps(filters: int, channels: int, side: int, images: int, density: float, team: int) -> float:
    """Return how many times faster than PyTorch a layer runs by its kept weights, forward and backward."""
    rng = np.random.default_rng(0)
    module = nn.Conv2d(channels, filters, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
    mask = (rng.random((filters // team, channels, 3, 3)) < density).repeat(team, axis=0)
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
    report["teams"] = team_steps()
    shapes = [(32, 32, 8, 256), (64, 64, 4, 256), (128, 128, 2, 256), (64, 64, 32, 256), (128, 128, 16, 256)]
    shapes += [(256, 256, 8, 256), (512, 512, 4, 256), (512, 512, 2, 256)]
    for team, densities in LAYER_DENSITIES.items():
        report["times_faster_by_layer" if team == 1 else f"times_faster_by_layer_in_teams_of_{team}"] = [
            {"filters": f, "channels": c, "side": side, "images": n}
            | {str(density): layer_steps(f, c, side, n, density, team) for density in densities}
            for f, c, side, n in shapes
        ]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
