"""A training step of a dense network: ours, a snnTorch loop over the timesteps, and SpikingJelly's two ways.

The networks of the default run (vgg7 at 8 x 8) and of the paper (VGG-16 at 32 x 32), T = 4; the same batch, loss and
optimizer for all. They run in turn in one process; images/s are from medians of the repeats. On a GPU ours runs in
bfloat16 and through torch.compile too. `python -m benchmarks.train` prints JSON.
"""

import json
import platform
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.plain import plain_networks
from benchmarks.step import settings, stepper
from benchmarks.timing import in_turn
from uticket.networks.network import build
from uticket.training.device import choose_device

REPEATS = 15
CASES = {"vgg7 at 8 x 8": ("vgg7", (1, 8, 8), 64, 10), "vgg16 at 32 x 32": ("vgg16", (3, 32, 32), 64, 1)}
ON_GPU = {"vgg7 at 8 x 8": ("vgg7", (1, 8, 8), 128, 20), "vgg16 at 32 x 32": ("vgg16", (3, 32, 32), 128, 20)}


def ours(name: str, images: Tensor, labels: Tensor, steps: int) -> dict[str, Callable[[], None]]:
    """Return the ways in which our network is trained on the device of the images."""
    fresh = [build(settings(name), images.shape[1:], 10, seed=0).to(images.device) for _ in range(3)]
    calls = {"ours": stepper(fresh[0], images, labels, steps)}
    if images.is_cuda:
        calls["ours bf16"] = stepper(fresh[1], images, labels, steps, bfloat16=True)
        calls["ours bf16 compiled"] = stepper(torch.compile(fresh[2]), images, labels, steps, bfloat16=True)
    return calls


def images_per_second(case: str, device: torch.device) -> dict[str, float]:
    """Time one network in all ways."""
    name, shape, batch, steps = (ON_GPU if device.type == "cuda" else CASES)[case]
    images, labels = torch.randn(batch, *shape, device=device), torch.randint(10, (batch,), device=device)
    calls = ours(name, images, labels, steps)
    for way, network in plain_networks(settings(name), shape[0], 10, device).items():
        calls[way] = stepper(network, images, labels, steps)
    return {way: batch * steps / seconds for way, seconds in in_turn(calls, REPEATS).items()}


def main() -> None:
    """Measure and print JSON."""
    device = choose_device("auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    report = {"repeats": REPEATS, "device": name, "threads": torch.get_num_threads(), "cases": {}}
    for case in CASES:
        rates = images_per_second(case, device)
        report["cases"][case] = {
            "images_per_second": rates,
            "times_faster": {way: rates["ours"] / rate for way, rate in rates.items() if way != "ours"},
        }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
