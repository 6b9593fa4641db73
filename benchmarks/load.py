"""Audit, balancing and the analytic model on networks of 10^7 to 10^9 weights, of 10,000 layers, and on many PEs.

Convolutions of 512 x 512 x 3 x 3 with 4 x 4 outputs, a tenth of the weights kept; the last size has 10,000 layers of
48 x 48 x 3 x 3. Audit and balance read a file of float32 weights, the analytic model the folder of a ticket with the
spikes of one image. Each command runs in a process of its own: its time from start to end and that of all processors,
the most private memory (RssAnon, sampled, GB), and the most with the pages of mapped files (VmHWM), which the system
takes back when it needs them. `python -m benchmarks.load [NAME...]` prints JSON; 10^9 weights take 5 GB of disk.
"""

import json
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from uticket.config.paths import TicketFiles
from uticket.ticket.layer import Layer, write_layers
from uticket.ticket.spikes import save_spikes

SIZES = {"10^7": (4, 512), "10^8": (42, 512), "10^9": (424, 512), "10,000 layers": (10_000, 48)}
PES = (1, 16, 1024, 65_536)
KEPT = 0.1
SIDE = 4  # outputs in a row and in a column
SAMPLED_S = 0.02


def network(layers: int, width: int) -> list[Layer]:
    """Return equal convolutions, one after another."""
    size = (SIDE, SIDE)
    shape: Any = {"filters": width, "channels": width, "kernel": (3, 3), "stride": (1, 1), "padding": (1, 1)}
    first = Layer(name="conv0", kind="conv", **shape, input_size=size, output_size=size)
    return [first.model_copy(update={"name": f"conv{n}"}) for n in range(layers)]


def write_network(folder: Path, layers: list[Layer]) -> None:
    """Write weights.safetensors, and the folder `ticket` of the same network."""
    files = TicketFiles(folder / "ticket")
    files.folder.mkdir()
    write_layers(files.layers, layers, 1)
    rng = np.random.default_rng(0)
    save_spikes(files.spikes, {n.name: rng.random((1, 1, n.channels, SIDE, SIDE)) < 0.2 for n in layers})
    kinds = {folder / "weights.safetensors": "F32", files.mask: "BOOL"}
    with (folder / "weights.safetensors").open("wb") as weights, files.mask.open("wb") as mask:
        for file, kind in zip((weights, mask), kinds.values(), strict=True):
            file.write(header(layers, kind))
        for values in _weights(layers, rng):
            weights.write(values.data)
            mask.write((values != 0).data)


def header(layers: list[Layer], kind: str) -> bytes:
    """Return the header of a safetensors file of all weights."""
    size, begin, entries = {"F32": 4, "BOOL": 1}[kind], 0, {}
    for layer in layers:
        end = begin + size * layer.num_weights
        entries[layer.name] = {"dtype": kind, "shape": layer.weight_shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _weights(layers: list[Layer], rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the weights of each layer: a part of a large array, with a first weight that no other one has."""
    most = layers[0].num_weights
    many = rng.normal(size=2 * most).astype(np.float32) * (rng.random(2 * most) < KEPT)
    for number in range(len(layers)):
        begin = rng.integers(most)
        values = many[begin : begin + most].copy()
        values[0] = 1 + number
        yield values


def run(command: list[str], folder: Path) -> dict[str, float]:
    """Run a command in a folder; return its time and memory."""
    started, before, private = time.perf_counter(), _children_cpu(), 0
    with subprocess.Popen(
        [sys.executable, "-m", "uticket.cli", *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        whole = 0
        while process.poll() is None:
            private, whole = max(private, _memory(process.pid, "RssAnon")), max(whole, _memory(process.pid, "VmHWM"))
            time.sleep(SAMPLED_S)
        seconds = time.perf_counter() - started
        if process.returncode:
            assert process.stderr is not None
            raise SystemExit(f"{' '.join(command)}: {process.stderr.read().decode()}")
    found = {"seconds": seconds, "cpu_seconds": _children_cpu() - before}
    return {**found, "private_gb": private * 1024 / 1e9, "with_mapped_files_gb": whole * 1024 / 1e9}


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(process: int, what: str) -> int:
    """Return an entry of the status of a process in KiB, 0 if it has ended."""
    try:
        found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def commands(pes: int) -> dict[str, list[str]]:
    """Return the three commands on an array."""
    return {
        "audit": ["audit", "weights.safetensors", "--pes", str(pes), "--json"],
        "balance": ["balance", "weights.safetensors", "out.safetensors", "--force", "--pes", str(pes), "--json"],
        "analytic": ["simulate", "ticket", "--model", "analytic", "--pes", str(pes), "--json"],
    }


def measure(name: str) -> dict[str, Any]:
    """Run the commands on one network: with 16 PEs, and with all numbers of PEs on the smallest and the deepest."""
    layers = network(*SIZES[name])
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_network(folder, layers)
        numbers = PES if name in ("10^7", "10,000 layers") else (16,)
        found = {pes: {what: run(command, folder) for what, command in commands(pes).items()} for pes in numbers}
    return {"layers": len(layers), "weights": sum(n.num_weights for n in layers), "by_pes": found}


def main() -> None:
    """Measure the networks that are named, by default all; print JSON."""
    cases = {name: measure(name) for name in (sys.argv[1:] or SIZES)}
    print(json.dumps({"machine": platform.machine(), "kept": KEPT, "cases": cases}, indent=1))


if __name__ == "__main__":
    main()
