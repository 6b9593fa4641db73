"""What decides the last digits of a ticket's numbers beside params and code."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import torch
import torch.distributed as dist

from uticket.base.files import write_json


@dataclass(frozen=True)
class Machine:
    """machine.json of a ticket. Sums are made in an order that depends on all of this.

    processor: its kind, and the instructions that PyTorch uses on it. device: `cpu`, or the name of the GPU. threads:
    of each process. processes: those that trained together. pytorch, numba: versions.
    """

    processor: str
    device: str
    threads: int
    processes: int
    pytorch: str
    numba: str

    @classmethod
    def of(cls, device: torch.device) -> "Machine":
        """Describe this machine as a training on `device` uses it."""
        return cls(
            processor=f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            threads=torch.get_num_threads(),
            processes=dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1,
            pytorch=torch.__version__,
            numba=version("numba"),
        )

    def write(self, path: Path) -> None:
        """Write machine.json."""
        write_json(path, asdict(self))
