"""The state of a training as tensors and JSON, and back."""

import dataclasses
from typing import Any, NamedTuple

import torch
from torch import Tensor

from uticket.training.checkpoint import copy_state
from uticket.training.ranks import Ranks
from uticket.training.search import EarlyStop
from uticket.training.state import TrainingState
from uticket.training.tally import Epoch, Tally


class Saved(NamedTuple):
    """A state as a file holds it."""

    tensors: dict[str, Tensor]  # on the CPU
    rest: dict[str, Any]  # JSON


def saved(state: TrainingState, early_stop: EarlyStop | None, ranks: Ranks) -> Saved:
    """Return all of a state. All processes call this together.

    early_stop: of the job's search, if it has one; what it remembers is part of the state.
    """
    tally = state.tally.total(ranks)
    tensors = {f"network.{name}": value for name, value in copy_state(state.network).items()}
    tensors |= {f"momentum.{number}": values.cpu() for number, values in enumerate(state.optimizer.momenta)}
    tensors |= {f"rewind.{name}": value for name, value in (state.rewind or {}).items()}
    tensors |= {"rng": state.rng.get_state(), "loss": tally.loss.cpu(), "right": tally.right.cpu()}
    if state.order is not None:
        tensors["order"] = state.order.cpu()
    if early_stop is not None:
        tensors |= {f"recent.{number}": torch.from_numpy(mask) for number, mask in enumerate(early_stop.recent)}
    rest = {
        "steps": state.optimizer.steps,
        "batch": state.batch,
        "count": tally.count,
        "epochs": [dataclasses.asdict(epoch) for epoch in state.epochs],
        "timesteps": state.network.timesteps,
        "divergences": state.divergences,
        "settled": state.settled,
        "seconds": state.stopwatch.seconds,
        "elapsed": state.stopwatch.elapsed(),
    }
    return Saved(tensors, rest)


def restore(state: TrainingState, from_file: Saved, early_stop: EarlyStop | None, ranks: Ranks) -> None:
    """Bring a state, its network and `early_stop` to where `saved` found those of the same training."""
    tensors, rest = from_file
    state.network.load_state_dict(_part(tensors, "network."))
    state.optimizer.restore(_numbered(tensors, "momentum."), rest["steps"])
    state.rng.set_state(tensors["rng"])
    state.rewind = _part(tensors, "rewind.") or None
    if early_stop is not None:
        early_stop.recent = [mask.numpy() for mask in _numbered(tensors, "recent.")]
    state.epochs = [Epoch(**epoch) for epoch in rest["epochs"]]
    state.stopwatch.seconds = rest["seconds"]
    state.stopwatch.start(rest["elapsed"])
    state.network.timesteps, state.settled = rest["timesteps"], rest["settled"]
    state.divergences = {int(t): value for t, value in rest["divergences"].items()}
    state.order = tensors["order"].to(state.device) if "order" in tensors else None
    state.batch, state.tally = rest["batch"], Tally(state.device)
    if ranks.first:  # what was counted is the sum over all processes: only one may add it
        state.tally.count = rest["count"]
        state.tally.loss, state.tally.right = tensors["loss"].to(state.device), tensors["right"].to(state.device)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _numbered(tensors: dict[str, Tensor], prefix: str) -> list[Tensor]:
    part = _part(tensors, prefix)
    return [part[str(number)] for number in range(len(part))]
