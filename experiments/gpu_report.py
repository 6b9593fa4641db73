"""The files that `experiments.gpu_evidence` leaves: evidence.json, two CSVs, and an archive to bring home."""

import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from experiments.pieces import Outcome
from uticket.base.errors import InputError
from uticket.base.files import read_json, replace_file, write_json, write_rows
from uticket.config.lineage import DENSE
from uticket.config.params import read_params
from uticket.config.paths import TicketFiles, ticket_files
from uticket.hardware.audit import audit
from uticket.ticket.ticket import Ticket

PACKAGES = ("torch", "triton", "snntorch", "spikingjelly", "numba")
SMALL = ("mask.safetensors", "layers.json", "metrics.json", "cost.json", "search.json", "training.csv", "activity.csv")

Row = dict[str, Any]


def describe_machine(device: str) -> Row:
    """Return what the figures depend on. Raises InputError if the device is a GPU and there is none."""
    import torch  # imported here: takes seconds, and wrong options are reported sooner

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device: expected a GPU that PyTorch can use, got none; --device cpu --rehearse rehearses")
    gpu = torch.cuda.get_device_properties(0) if device == "cuda" else None
    return {
        "card": gpu.name if gpu else None,
        "memory_gb": round(gpu.total_memory / 1e9, 1) if gpu else None,
        "capability": f"{gpu.major}.{gpu.minor}" if gpu else None,
        "driver": driver() if gpu else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "packages": {name: installed(name) for name in PACKAGES},
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "c_compiler": shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang"),
    }


def driver() -> str:
    """Return the version of the first GPU's driver."""
    command = ["nvidia-smi", "--id=0", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def installed(name: str) -> str | None:
    """Return the version of a package, None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def write_report(folder: Path, machine: Row, outcomes: Mapping[str, Outcome]) -> None:
    """Write all files from what the pieces have left so far; a piece that failed is in them with its tail."""
    passed = [name for name, outcome in outcomes.items() if outcome.status == "passed"]
    speed = benchmark_rows(folder)
    tickets = [row for name in passed if (row := ticket_row(folder, name)) is not None]
    if speed:
        write_rows(folder / "benchmarks.csv", speed)
    if tickets:
        write_rows(folder / "chains.csv", tickets)
    pieces = {name: asdict(outcome) for name, outcome in outcomes.items()}
    seconds = round(sum(outcome.seconds for outcome in outcomes.values()), 1)
    evidence = {"machine": machine, "seconds": seconds, "pieces": pieces, "benchmarks": speed, "tickets": tickets}
    write_json(folder / "evidence.json", evidence)
    replace_file(folder / "evidence.tar.gz", lambda part: pack(folder, part))


def benchmark_rows(folder: Path) -> list[Row]:
    """Return a row for each way to train each network; one that failed has its error instead of a speed."""
    rows = []
    for path in sorted(folder.glob("train-*.json")):
        try:
            cases = read_json(path)["cases"]
        except InputError:  # of a benchmark that was stopped
            continue
        for case, found in cases.items():
            for way, rate in found["images_per_second"].items():
                rows.append({"case": case, "way": way, "images_per_second": round(rate, 1), "error": None})
            for way, error in found["failed"].items():
                rows.append({"case": case, "way": way, "images_per_second": None, "error": error})
    return rows


def ticket_row(folder: Path, name: str) -> Row | None:
    """Return what is known of a ticket: accuracy, balance in the analytic model, and the cost of its training."""
    params = read_params(folder / "params.yaml")
    files = TicketFiles(folder / ticket_files(name).folder)
    if name not in (DENSE, *params.lineage.parents):
        return None
    metrics, cost = read_json(files.metrics), read_json(files.cost)
    found = audit(Ticket.read(files.folder, spikes=False), params.hw.array).network
    return {
        "ticket": name,
        "round": params.lineage.round_of(name) if name != DENSE else 0,
        "sparsity": metrics["sparsity"],
        "accuracy": metrics["accuracy"],
        "spike_sparsity": metrics["spike_sparsity"],
        "nonzeros": found.nonzeros,
        "utilization": found.utilization,
        "latency_cycles": found.latency_cycles,
        **cost,
    }


def pack(folder: Path, path: Path) -> None:
    """Write the archive: reports, log and settings, and of each ticket all files but weights and spikes."""
    names = ["evidence.json", "pieces.json", "benchmarks.csv", "chains.csv", "log.txt", "params.yaml"]
    files = [folder / name for name in names] + sorted(folder.glob("train-*.json"))
    files += [path for path in sorted((folder / "tickets").rglob("*")) if path.name in SMALL]
    with tarfile.open(path, "w:gz") as archive:
        for file in files:
            if file.is_file():
                archive.add(file, file.relative_to(folder))
