"""Convolutions that compute where a spike is beside PyTorch's (oneDNN), on the CPU, T = 4, batches of 64 images.

Layer shapes of VGG-16 and ResNet-19 at 32 x 32, at several shares of spikes: forward, and the gradient of the weights;
then the gradient of the input of small images. Then whole training steps of both networks, dense. All in turn in one
process; times are medians of the repeats. `python -m benchmarks.spikes` prints JSON.
"""

import json
import platform
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input, conv2d_weight

from benchmarks.step import by_spikes, settings, stepper
from benchmarks.timing import in_turn
from uticket.engine.spike_conv import SpikeBits, SpikeConv, input_gradient_by_position
from uticket.networks.network import build
from uticket.training.device import choose_device

REPEATS, IMAGES = 7, 256
SMALL = 8  # side of images whose gradient of the input is timed
DENSITIES = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4]
VGG16, BOTH = "vgg16", "vgg16, resnet19"
LAYERS = [  # network, channels, filters, side of the image
    (VGG16, 64, 64, 32),
    (VGG16, 64, 128, 16),
    (BOTH, 128, 128, 16),
    (VGG16, 128, 256, 8),
    (BOTH, 256, 256, 8),
    (VGG16, 256, 512, 4),
    (BOTH, 512, 512, 4),
    (VGG16, 512, 512, 2),
]


def drawn(channels: int, filters: int, side: int, density: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return spikes, weights and gradients of the output, as they lie in memory in training."""
    x = (torch.rand(IMAGES, channels, side, side) < density).float()
    weight, grad = torch.randn(filters, channels, 3, 3), torch.randn(IMAGES, filters, side, side)
    x, weight, grad = (values.contiguous(memory_format=torch.channels_last) for values in (x, weight, grad))
    return x, weight.requires_grad_(), grad


def layer_times(channels: int, filters: int, side: int, density: float) -> dict[str, float]:
    """Time one layer at one density."""
    x, weight, grad = drawn(channels, filters, side, density)

    def convolved() -> Tensor:
        y: Tensor = SpikeConv.apply(x, weight, replace(SpikeBits.of(x), density=0.0))  # whatever the limits are
        return y

    out = convolved()
    return in_turn(
        {
            "forward by spikes": convolved,
            "forward dense": lambda: nn.functional.conv2d(x, weight, padding=1),
            "gradient by spikes": lambda: torch.autograd.grad(out, weight, grad, retain_graph=True),
            "gradient dense": lambda: conv2d_weight(x, weight.shape, grad, padding=1),
        },
        REPEATS,
    )


def input_gradient_times(channels: int, filters: int, side: int) -> dict[str, float]:
    """Time both ways to the gradient of the input."""
    x, weight, grad = drawn(channels, filters, side, 0.1)
    weight = weight.detach()
    return in_turn(
        {
            "by position": lambda: input_gradient_by_position(tuple(x.shape), weight, grad),
            "dense": lambda: conv2d_input(x.shape, weight, grad, padding=1),
        },
        REPEATS,
    )


def step_times(name: str) -> dict[str, float]:
    """Time a training step of a dense network."""
    images, labels = torch.randn(IMAGES // 4, 3, 32, 32), torch.randint(10, (IMAGES // 4,))
    dense, ours = (build(settings(name), (3, 32, 32), 10, seed=0) for _ in range(2))
    calls: dict[str, Callable[[], None]] = {"dense": stepper(dense, images, labels)}
    calls["by spikes"] = stepper(by_spikes(ours, (3, 32, 32)), images, labels)
    return in_turn(calls, REPEATS)


def main() -> None:
    """Measure and print JSON."""
    choose_device("cpu")
    report: dict[str, Any] = {
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "images": IMAGES,
    }
    report["layers"] = [
        {"networks": networks, "channels": channels, "filters": filters, "side": side}
        | {"seconds_by_density": {str(d): layer_times(channels, filters, side, d) for d in DENSITIES}}
        for networks, channels, filters, side in LAYERS
    ]
    report["input_gradient"] = [
        {"channels": channels, "filters": filters, "side": side}
        | {"seconds": input_gradient_times(channels, filters, side)}
        for _, channels, filters, side in LAYERS
        if side <= SMALL
    ]
    report["step_seconds"] = {name: step_times(name) for name in ("vgg16", "resnet19")}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
