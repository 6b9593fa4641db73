"""Capturing a VGG-16 beside its plain forward pass: width 1, images of 32 x 32, T = 4, a batch of 8, 98 % sparse.

Times are medians of the repeats, in seconds, in turn in one process after one run to warm up. Memory is the most that a
process held, of the plain pass and of the capture each in processes of their own, the least of the repeats; the ticket
holds copies of weights and masks and the packed spikes, and what is beyond them is the capture's own.
`python -m benchmarks.capture` prints JSON.
"""

import json
import os
import platform
import resource
import subprocess
import sys

import torch
from torch import Tensor, nn

import uticket as ut
from benchmarks.step import settings
from benchmarks.timing import in_turn
from uticket.capturing.captured import Captured, PackedSpikes
from uticket.networks.network import build, weight_layers

REPEATS = 5
IMAGES = 8


def network_and_images() -> tuple[nn.Module, Tensor]:
    """Return the network, whose neurons fire, and random images."""
    torch.manual_seed(0)
    network = build(settings("vgg16"), (3, 32, 32), 10, seed=0).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.bias, -1, 1)
    for layer in weight_layers(network).values():
        layer.weight.data *= torch.rand_like(layer.weight) < 0.02
    return network, torch.rand(IMAGES, 3, 32, 32)


@torch.no_grad()
def forward(network: nn.Module, images: Tensor) -> object:
    """Run the network and keep nothing."""
    return network(images)


def peak(case: str) -> dict[str, float]:
    """Run one case once after a plain pass; return the most that the process held, and what a ticket holds, in MB."""
    network, images = network_and_images()
    forward(network, images)
    ticket = ut.capture(network, images) if case == "capture" else None
    held = {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}
    if isinstance(ticket, Captured) and isinstance(ticket.spikes, PackedSpikes) and ticket.weights is not None:
        arrays = [*ticket.weights.values(), *ticket.mask.values()]
        held |= {"packed_mb": ticket.spikes.nbytes / 1e6, "weights_mb": sum(values.nbytes for values in arrays) / 1e6}
    return held


def memory() -> dict[str, float]:
    """Return the peaks of both cases, and of the capture what lies beyond what its ticket holds, in MB."""
    found: dict[str, dict[str, float]] = {}
    for _ in range(REPEATS):
        for case in ("forward", "capture"):
            command, environment = [sys.executable, "-m", "benchmarks.capture", case], {"OMP_NUM_THREADS": "1"}
            ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
            one = json.loads(ran.stdout)
            found[case] = min(found.get(case, one), one, key=lambda held: held["peak_mb"])
    extra = found["capture"]["peak_mb"] - found["forward"]["peak_mb"]
    return {
        "forward_mb": found["forward"]["peak_mb"],
        **found["capture"],
        "extra_mb": extra,
        "extra_without_weights_mb": extra - found["capture"]["weights_mb"],
    }


def main() -> None:
    """Measure all, or the peak of the case that is named."""
    if len(sys.argv) > 1:
        print(json.dumps(peak(sys.argv[1])))
        return
    held = memory()  # before this process grows, whose size its children would report
    network, images = network_and_images()
    calls = {"forward": lambda: forward(network, images), "capture": lambda: ut.capture(network, images)}
    seconds = in_turn(calls, REPEATS)
    report = {
        "network": f"VGG-16, 98 % sparse, 32 x 32, T = 4, {IMAGES} images",
        "repeats": REPEATS,
        "machine": platform.machine(),
        "seconds": seconds,
        "times_the_forward_pass": seconds["capture"] / seconds["forward"],
        "memory": held,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
