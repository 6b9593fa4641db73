"""Both models on the 12 counted convolutions of a VGG-16 at 98 % sparsity, with the spikes of images of 32 x 32.

16 PEs, T = 4, FIFOs of 64 entries; masks and spikes are made up: filters that differ in density, and neurons that
differ in rate. Times are medians of the repeats, in seconds. Cases run by one thread, each in a process of its own,
after one run that compiles and warms up; memory is the most that the process held. Commands start anew each time,
files and all; one thread and two run in turn in one process.
`python -m benchmarks.simulate` prints JSON.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import in_turn, timed_process
from benchmarks.vgg16 import vgg16
from uticket.config.array import Array, Broadcast, Energy, Hardware
from uticket.hardware.chip import DEFAULT_CHIP, Chip
from uticket.hardware.simulation import simulate
from uticket.pipeline.simulate import sweep

REPEATS = 5
FIFO = Broadcast(granularity="token", fifo_depth=64)
CASES = {
    "analytic": ("analytic", FIFO, 1),
    "events by tile": ("events", Broadcast(granularity="tile", fifo_depth=64), 1),
    "events by channel": ("events", Broadcast(granularity="channel", fifo_depth=64), 1),
    "events by token": ("events", FIFO, 1),
    "events by token, activation by activation": ("events", FIFO.model_copy(update={"order": "activation"}), 1),
    "events by token, 1 token a cycle": ("events", FIFO.model_copy(update={"width": 1}), 1),
    "events by token, 4 images": ("events", FIFO, 4),
    "events by token, 16 images": ("events", FIFO, 16),
}
COMMANDS = {
    "import uticket": ["-c", "import uticket"],
    "uticket --help": ["-m", "uticket.cli", "--help"],
    "uticket audit": ["-m", "uticket.cli", "audit", "."],
    "uticket simulate --model analytic": ["-m", "uticket.cli", "simulate", ".", "--model", "analytic"],
    "uticket simulate": ["-m", "uticket.cli", "simulate", "."],
}
UNCOMPILED = "uticket simulate, without compiled loops"
SWEEPS = {"pes": [8, 16, 32], "broadcast": {"fifo_depth": [0, 8, 64, 512]}}


def measure(case: str) -> dict[str, float]:
    """Run one case; return its time, memory and results."""
    model, broadcast, images = CASES[case]
    ticket, array, chip = vgg16(images), Array(), Chip.read()
    times = in_turn({case: lambda: simulate(ticket, array, broadcast, chip, model=model)}, REPEATS)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    total = simulate(ticket, array, broadcast, chip, model=model).network
    return {
        "images": images,
        "seconds": times[case],
        "memory_gb": memory,
        "latency_cycles": total.latency_cycles,
        "busy_share": total.busy_share,
        "tokens": total.tokens,
    }


def start_up() -> dict[str, dict[str, float]]:
    """Return what commands on one image take from start to end: seconds, and those of all processors together."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*COMMANDS, UNCOMPILED)}
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    with TemporaryDirectory() as folder:
        vgg16().write(folder)
        for repeat in range(REPEATS + 1):
            for name in found:
                command, environment = COMMANDS.get(name, COMMANDS["uticket simulate"]), {"PYTHONPATH": path}
                if name == UNCOMPILED:
                    environment["NUMBA_CACHE_DIR"] = f"{folder}/cache-{repeat}"
                taken = timed_process([sys.executable, *command], Path(folder), os.environ | environment)
                if repeat:
                    found[name].append(taken)
    medians = {name: [statistics.median(part) for part in zip(*runs, strict=True)] for name, runs in found.items()}
    return {name: {"seconds": seconds, "cpu_seconds": cpu} for name, (seconds, cpu) in medians.items()}


def by_threads() -> dict[str, dict[str, float]]:
    """Return what 16 images, and a sweep under one image, take one thread and two."""
    many, one, array, chip = vgg16(16), vgg16(), Array(), Chip.read()
    settings = {"broadcast": FIFO, "chip": str(DEFAULT_CHIP), "models": ["analytic"], "events_on": "all"}
    hw = Hardware.model_validate({**array.model_dump(), **settings, "sweeps": SWEEPS})
    work = {
        "16 images": lambda: simulate(many, array, FIFO, chip),
        "sweep of 7 points": lambda: list(sweep(one, hw, chip, Energy(), "events")),
    }

    def run(name: str, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        work[name]()

    found = {}
    for name in work:
        seconds = in_turn({f"threads_{n}": partial(run, name, n) for n in (1, 2)}, REPEATS)
        found[name] = {**seconds, "times_faster": seconds["threads_1"] / seconds["threads_2"]}
    return found


def main() -> None:
    """Measure all cases in turn, or the one that is named."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    results = {}
    for case in CASES:
        command, environment = [sys.executable, "-m", "benchmarks.simulate", case], {"OMP_NUM_THREADS": "1"}
        ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
        results[case] = json.loads(ran.stdout)
    one, many = (results[f"events by token{images}"]["seconds"] for images in ("", ", 16 images"))
    report = {
        "network": "VGG-16, 12 convolutions, 98 % sparse, 32 x 32, T = 4, 16 PEs",
        "repeats": REPEATS,
        "machine": platform.machine(),
        "cases": results,
        "seconds_of_16_images_over_16_times_one": many / (16 * one),
        "start_up": start_up(),
        "by_threads": by_threads(),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
