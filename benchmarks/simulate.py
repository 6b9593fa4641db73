"""Both models on the 12 counted convolutions of a VGG-16 at 98 % sparsity, with the spikes of images of 32 x 32.

16 PEs, T = 4, FIFOs of 64 entries; masks and spikes are made up: filters that differ in density, and neurons that
differ in rate. Every measurement runs in a process of its own, after one run that compiles and warms up; times are
medians of the repeats, in seconds, memory is the most that the process held.
`python -m benchmarks.simulate` prints JSON.
"""

import json
import platform
import resource
import statistics
import subprocess
import sys
import time

from benchmarks.vgg16 import vgg16
from uticket.config.array import Array, Broadcast
from uticket.hardware.chip import Chip
from uticket.hardware.simulation import simulate

REPEATS = 5
CASES = {
    "analytic": ("analytic", Broadcast(granularity="token", fifo_depth=64), 1),
    "events by tile": ("events", Broadcast(granularity="tile", fifo_depth=64), 1),
    "events by channel": ("events", Broadcast(granularity="channel", fifo_depth=64), 1),
    "events by token": ("events", Broadcast(granularity="token", fifo_depth=64), 1),
    "events by token, 1 token a cycle": ("events", Broadcast(granularity="token", fifo_depth=64, width=1), 1),
    "events by token, 4 images": ("events", Broadcast(granularity="token", fifo_depth=64), 4),
    "events by token, 16 images": ("events", Broadcast(granularity="token", fifo_depth=64), 16),
}


def measure(case: str) -> dict[str, float]:
    """Run one case; return its time, memory and results."""
    model, broadcast, images = CASES[case]
    ticket, array, chip = vgg16(images), Array(), Chip.read()
    times = []
    for repeat in range(REPEATS + 1):
        started = time.perf_counter()
        found = simulate(ticket, array, broadcast, chip, model=model)
        if repeat:
            times.append(time.perf_counter() - started)
    total = found.network
    return {
        "images": images,
        "seconds": statistics.median(times),
        "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "latency_cycles": total.latency_cycles,
        "busy_share": total.busy_share,
        "tokens": total.tokens,
    }


def main() -> None:
    """Measure all cases in turn, or the one that is named."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    results = {}
    for case in CASES:
        command = [sys.executable, "-m", "benchmarks.simulate", case]
        results[case] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    one, many = (results[f"events by token{images}"]["seconds"] for images in ("", ", 16 images"))
    report = {
        "network": "VGG-16, 12 convolutions, 98 % sparse, 32 x 32, T = 4, 16 PEs",
        "repeats": REPEATS,
        "machine": platform.machine(),
        "cases": results,
        "seconds_of_16_images_over_16_times_one": many / (16 * one),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
