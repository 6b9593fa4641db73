"""Training by several processes at once, each on its part of every batch (torch.distributed).

The processes are started by torchrun, on the GPUs of one machine or of several, or as CPU processes; without it a
process is alone and nothing here costs anything. All of them draw the same random numbers and hold the same weights;
the first one writes.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from uticket.base.errors import InputError


@dataclass(frozen=True)
class Ranks:
    """A process among those that train together."""

    rank: int = 0
    world: int = 1  # number of processes

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """Return this process's part of a batch; parts differ by one at most."""
        return batch.tensor_split(self.world)[self.rank]

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over all processes."""
        if self.world == 1:
            return values
        total = values.clone()
        dist.all_reduce(total)
        return total

    def most(self, value: int) -> int:
        """Return the largest value of all processes. The GPUs do not wait for it."""
        if self.world == 1:
            return value
        largest = torch.tensor(value)
        dist.all_reduce(largest, dist.ReduceOp.MAX)
        return int(largest)

    def from_first(self, make: Callable[[], Any]) -> Any:
        """Return what `make` returns in the first process, or raise its InputError in all of them."""
        if self.world == 1:
            return make()
        found: list[Any] = [None, None]
        if self.first:
            try:
                found[0] = make()
            except InputError as error:
                found[1] = str(error)
        dist.broadcast_object_list(found, device=torch.device("cpu"))
        if found[1] is not None:
            raise InputError(found[1])
        return found[0]

    def wrapped(self, network: nn.Module) -> nn.Module:
        """Return the network with gradients averaged over the processes, and on GPUs batch norm over whole batches.

        On CPUs, for which PyTorch has no synchronized batch norm, each process normalizes its part of a batch; the
        running statistics are those of the first.
        """
        if self.world == 1:
            return network
        device = next(network.parameters()).device
        if device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # the option was renamed
            gpus = [device.index] if device.type == "cuda" else None
            return DistributedDataParallel(network, device_ids=gpus, broadcast_buffers=False)

    def level(self, network: nn.Module) -> None:
        """Give every process the running statistics of the first."""
        if self.world > 1:
            state = network.state_dict()  # without membranes, whose shapes differ
            for name, buffer in network.named_buffers():
                if name in state:
                    dist.broadcast(buffer, 0)


ALONE = Ranks()


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the processes that torchrun started; without torchrun, be alone."""
    if "RANK" not in os.environ:
        yield ALONE
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    except SystemExit:  # raised in all processes
        dist.destroy_process_group()
        raise
    dist.destroy_process_group()  # not after an error of one process: it waits for all of them


def use_all_gpus(device: str) -> None:
    """Start this command once for each visible GPU if there are several: torchrun takes the place of this process.

    device: `train.device`. Nothing happens in a process that torchrun started, or where a stage is not the program.
    """
    gpus = torch.cuda.device_count() if device != "cpu" else 0
    module = sys.modules["__main__"].__spec__
    if gpus < 2 or "RANK" in os.environ or module is None or not module.name.startswith("stages."):
        return
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(gpus)]
    os.execv(sys.executable, [*launcher, "-m", module.name, *sys.argv[1:]])
