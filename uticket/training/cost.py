"""What a training took on this machine: time, speed, memory."""

import platform
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from uticket.base.files import write_json
from uticket.training.ranks import Ranks


class Stopwatch:
    """The seconds that each epoch takes, over all runs of a training."""

    def __init__(self) -> None:
        self.seconds: list[float] = []  # of each epoch that has ended
        self.start()

    def start(self, before: float = 0.0) -> None:
        """Begin an epoch. before: the seconds that it took in earlier runs."""
        self._began, self._before = time.monotonic(), before

    def elapsed(self) -> float:
        """Return the seconds of this epoch so far, in all runs of it."""
        return self._before + time.monotonic() - self._began

    def stop(self) -> None:
        """End an epoch."""
        self.seconds.append(self.elapsed())


@dataclass(frozen=True)
class TrainingCost:
    """cost.json of a ticket. It differs from run to run, so neither DVC nor git tracks it."""

    device: str
    processes: int
    images_per_second: float  # tests included
    seconds_per_epoch: float  # tests included
    seconds: float
    peak_memory_gb: float  # of the GPU of the first process, or of the process on the CPU; 10^9 bytes

    @classmethod
    def of(cls, seconds: Sequence[float], images_per_epoch: int, device: torch.device, ranks: Ranks) -> "TrainingCost":
        """Sum up a training. seconds: of each epoch, at least one. images_per_epoch: over all processes."""
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
        write_json(path, asdict(self))


def _peak_of_process() -> int:
    """Return the most memory that this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
