"""Trainings that only search for the next mask: shorter, and resumed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.helpers import drawn_mask, fresh, job_of, run
from uticket.config.training import Model, Train
from uticket.networks.network import SpikingNetwork
from uticket.training.early_time import enough_timesteps
from uticket.training.keep import Keep
from uticket.training.search import WHOLE, Search
from uticket.training.train import Trained


class After:
    """Settles after a number of epochs; sees the weights."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.recent, self.seen = epochs, [], []

    def __repr__(self) -> str:
        return f"after {self.epochs}"

    def see(self, weights):
        self.recent = [*self.recent, np.array([1], dtype=np.uint8)]
        self.seen.append(weights["fc"].copy())

    @property
    def settled(self):
        return len(self.recent) >= self.epochs


def search(small: Model, brief: Train, folder: Path, how: Search) -> tuple[SpikingNetwork, Trained]:
    network = fresh(small)
    settings = brief.model_copy(update={"save_minutes": 0.0})
    return network, run(job_of(network, drawn_mask(network), settings, search=how), folder)


def test_search_ends_early_with_the_weights_of_its_last_epoch(small, brief, tmp_path):
    settings = brief.model_copy(update={"epochs": 6})
    stop = After(3)
    network, trained = search(small, settings, tmp_path, Search(early_stop=stop))
    assert len(trained.epochs) == len(stop.seen) == 3
    assert (stop.seen[-1] == network.fc.weight.detach().numpy()).all()
    assert (stop.seen[0] != stop.seen[1]).any()
    _, whole = search(small, settings, tmp_path, WHOLE)
    assert whole.epochs[:3] == trained.epochs
    assert len(whole.epochs) == 6


def test_search_chooses_timesteps_after_two_epochs(small, brief, tmp_path):
    settings = brief.model_copy(update={"epochs": 3})
    model = small.model_copy(update={"timesteps": 4})
    network, trained = search(model, settings, tmp_path, Search(early_time=1.0))
    _, whole = search(model, settings, tmp_path, WHOLE)
    assert set(trained.divergences) == {2, 3}
    assert network.timesteps == enough_timesteps(trained.divergences, 4, 1.0) < 4
    assert trained.epochs[:2] == whole.epochs[:2]
    assert trained.epochs[2] != whole.epochs[2]


def test_search_that_is_killed_resumes_with_its_timesteps_and_what_it_saw(small, brief, tmp_path, monkeypatch):
    settings, model = brief.model_copy(update={"epochs": 8}), small.model_copy(update={"timesteps": 4})
    expected, trained = search(model, settings, tmp_path / "one", Search(1.0, After(5)))
    save = Keep.save

    def save_and_stop(keep, tensors, rest):
        save(keep, tensors, rest)
        if len(rest["epochs"]) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Keep, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        search(model, settings, tmp_path / "two", Search(1.0, After(5)))
    monkeypatch.undo()
    network, again = search(model, settings, tmp_path / "two", Search(1.0, After(5)))
    assert (again.epochs, again.divergences) == (trained.epochs, trained.divergences)
    assert network.timesteps == expected.timesteps
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), expected.parameters(), strict=True))
