"""Training beside other busy processes, with threads that wait as OpenMP has it and as uticket has it.

A process for each measurement trains the network of the default run (vgg7 at 8 x 8, T = 4, batches of 64) alone, and
beside processes that only count. `of_fair_share` is its rate over the fair one: that of OpenMP's threads alone, times
the processors over the threads and processes that want them. The ways run in turn; rates are medians of the repeats.
`python -m benchmarks.contention` prints JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

REPEATS = 5
SECONDS = 6.0
BATCH = 64
WAYS = ("openmp", "uticket")
BUSY = (0, 1, 2)
COUNT = "n = 0\nwhile True: n += 1"


def train(way: str) -> None:
    """Train for `SECONDS` in this process, and print images/s."""
    import torch

    from benchmarks.step import settings, stepper
    from uticket.networks.network import build
    from uticket.training import device

    if way == "openmp":
        device.watch_for_others = lambda: None
    device.choose_device("cpu")
    images, labels = torch.randn(BATCH, 1, 8, 8), torch.randint(10, (BATCH,))
    step = stepper(build(settings("vgg7"), images.shape[1:], 10, seed=0), images, labels)
    for _ in range(20):
        step()
    steps, started = 0, time.perf_counter()
    while (seconds := time.perf_counter() - started) < SECONDS:
        step()
        steps += 1
    print(BATCH * steps / seconds)


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Have so many processes count while the body runs."""
    processes = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def rate(way: str, busy: int) -> float:
    """Return the images/s of a training in a process of its own beside `busy` others."""
    command = [sys.executable, "-m", "benchmarks.contention", way]
    with busy_processes(busy):
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure and print JSON."""
    processors = len(os.sched_getaffinity(0))
    rates: dict[tuple[int, str], list[float]] = {(busy, way): [] for busy in BUSY for way in WAYS}
    for _ in range(REPEATS):
        for busy, way in rates:
            rates[busy, way].append(rate(way, busy))
    medians = {case: statistics.median(values) for case, values in rates.items()}
    alone = medians[0, "openmp"]
    cases = {}
    for busy in BUSY:
        fair = alone * processors / (processors + busy)
        cases[f"beside {busy} busy processes"] = {
            "images_per_second": {way: medians[busy, way] for way in WAYS},
            "of_fair_share": {way: medians[busy, way] / fair for way in WAYS},
        }
    print(json.dumps({"repeats": REPEATS, "processors": processors, "cases": cases}, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train(sys.argv[1])
    else:
        main()
