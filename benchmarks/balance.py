"""Auditing and balancing the 13 convolutions of VGG-16 at 98 % sparsity for 16 PEs, ours beside a plain loop.

The loop goes over groups and filters with torch tensors, as one would write it from Algorithm 1 of the paper, on the
float masks that multiply weights in a training script. Ours alone is timed with teams of four PEs that share positions,
of consecutive filters and of those most alike. All run in turn in one process; the times are medians of the repeats, in
seconds. `python -m benchmarks.balance` prints JSON.
"""

import json
import math
import platform
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from benchmarks.timing import in_turn
from benchmarks.vgg16 import vgg16_masks
from uticket.base.seeds import generator
from uticket.config.array import Array
from uticket.config.pruning import Balance, Team
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.placed import Bools, place
from uticket.pruning.balance import balance, balance_layer
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

PES, SHARE, REPEATS = 16, 4, 9


def audit(ticket: Ticket) -> list[tuple[int, int, int]]:
    """Work, idle and latency of each layer, ours."""
    found = [layer_cycles(placed) for placed in place(ticket, Array(pes=PES))]
    return [(cycles.work_cycles, cycles.idle_cycles, cycles.latency_cycles) for cycles in found]


def balanced(ticket: Ticket) -> list[Bools]:
    """Balanced masks, ours."""
    rng = generator(0, "benchmark", "balance")
    return [balance_layer(placed, Balance(), rng) for placed in place(ticket, Array(pes=PES))]


def shared(ticket: Ticket, trained: Ticket, team: Team) -> Mask:
    """Masks of teams of SHARE PEs that keep the same positions, chosen by trained weights; trained: before pruning."""
    how = Balance(select="magnitude", share=SHARE, team=team)
    array = Array(pes=PES, mapping="patterns" if team == "alike" else "contiguous")
    return balance(replace(trained, mask=ticket.mask), array, how, trained=trained.mask).mask


def trained_weights(masks: list[Bools]) -> Ticket:
    """Made-up weights before pruning: of twice as many as the masks keep."""
    rng = generator(0, "benchmark", "weights")
    weights = {}
    for number, mask in enumerate(masks):
        kept = mask | (rng.random(mask.shape) < mask.mean())
        weights[f"conv{number}"] = rng.normal(size=mask.shape).astype(np.float32) * kept
    return Ticket.from_arrays(weights)


def loop_audit(masks: list[torch.Tensor]) -> list[tuple[int, int, int]]:
    """Work, idle and latency of each layer, filter by filter."""
    found = []
    for mask in masks:
        work = latency = 0
        for start in range(0, len(mask), PES):
            counts = [int(torch.count_nonzero(mask[f])) for f in range(start, start + PES)]
            work += sum(counts)
            latency += max(counts)
        found.append((work, PES * latency - work, latency))
    return found


def loop_balanced(masks: list[torch.Tensor]) -> list[torch.Tensor]:
    """Balanced masks, filter by filter."""
    result = []
    for mask in masks:
        flat = mask.clone().view(len(mask), -1)
        for start in range(0, len(flat), PES):
            counts = [int(torch.count_nonzero(flat[f])) for f in range(start, start + PES)]
            target = math.ceil(sum(counts) / PES)
            for f, count in zip(range(start, start + PES), counts, strict=True):
                pool = torch.nonzero(flat[f] == float(count > target)).flatten()
                chosen = pool[torch.randperm(len(pool))[: abs(count - target)]]
                flat[f, chosen] = float(count < target)
        result.append(flat.view_as(mask))
    return result


def peak_memory(call: Callable[[], object]) -> int:
    """Return the most bytes that numpy and Python held at once during a call, its result included."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def main() -> None:
    """Measure, check that both give the same counts, print JSON."""
    masks = vgg16_masks()
    ticket = Ticket.from_arrays({f"conv{number}": mask for number, mask in enumerate(masks)})
    trained = trained_weights(masks)
    tensors = [torch.from_numpy(mask).float() for mask in masks]
    assert audit(ticket) == loop_audit(tensors)
    for ours, theirs in zip(balanced(ticket), loop_balanced(tensors), strict=True):
        assert (ours.sum(axis=(1, 2, 3)) == np.count_nonzero(theirs.numpy(), axis=(1, 2, 3))).all()
    seconds = in_turn(
        {
            "audit": lambda: audit(ticket),
            "loop_audit": lambda: loop_audit(tensors),
            "balance": lambda: balanced(ticket),
            "loop_balance": lambda: loop_balanced(tensors),
            "share": lambda: shared(ticket, trained, "consecutive"),
            "share_alike": lambda: shared(ticket, trained, "alike"),
        },
        REPEATS,
    )
    size = sum(mask.nbytes for mask in masks)
    report = {
        "masks": {"layers": len(masks), "bytes": size, "sparsity": 1 - sum(mask.sum() for mask in masks) / size},
        "pes": PES,
        "share": SHARE,
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "seconds": seconds,
        "times_faster": {name: seconds[f"loop_{name}"] / seconds[name] for name in ("audit", "balance")},
        "peak_memory_over_masks": peak_memory(lambda: balanced(ticket)) / size,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
