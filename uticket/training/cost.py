"""What a training took on this machine: time, speed, memory."""

import json
import platform
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from uticket.training.ranks import Ranks


@dataclass(frozen=True)
class Cost:
    """cost.json of a ticket. It differs from run to run, so neither DVC nor git tracks it."""

    device: str
    processes: int
    images_per_second: float  # tests included
    seconds_per_epoch: float  # tests included
    seconds: float
    peak_memory_gb: float  # of the GPU of the first process, or of the process on the CPU; 10^9 bytes

    @classmethod
    def of(cls, seconds: Sequence[float], images_per_epoch: int, device: torch.device, ranks: Ranks) -> "Cost":
        """Sum up the `seconds` of each epoch."""
        total = sum(seconds)
        gpu = device.type == "cuda"
        return cls(
            device=torch.cuda.get_device_name(device) if gpu else f"cpu ({platform.machine()})",
            processes=ranks.world,
            images_per_second=round(images_per_epoch * len(seconds) / total, 1),
            seconds_per_epoch=round(total / len(seconds), 3),
            seconds=round(total, 3),
            peak_memory_gb=round((torch.cuda.max_memory_allocated(device) if gpu else _peak_of_process()) / 1e9, 3),
        )

    def write(self, path: Path) -> None:
        """Write cost.json."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def _peak_of_process() -> int:
    """Return bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
