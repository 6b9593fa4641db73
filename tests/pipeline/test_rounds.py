"""The lottery itself: from which weights a round prunes, to which it rewinds, with which seed it goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from stages.ticket import main as stage
from tests.helpers import LAYER, PARAMS, layer_of, mask_of, rows
from uticket.base.seeds import torch_seed
from uticket.config.array import Array
from uticket.config.params import Params, read_params
from uticket.config.paths import PREPARED, TicketFiles, ticket_files
from uticket.config.plan import TicketPlan
from uticket.config.pruning import Balance
from uticket.data.prepared import ImageSet, Prepared, save
from uticket.mapping.placed import place
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.pipeline import rounds
from uticket.pipeline.plan import write_plans
from uticket.pipeline.rounds import Changes, next_mask
from uticket.pruning.prune import prune_mask
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket
from uticket.training.checkpoint import copy_state, save_state

HALF = read_params(PARAMS).prune
SHAPE = (2, 6, 1, 1)


def plan_of(balance: Balance | None = None, number: int = 1, pes: int = 2) -> TicketPlan:
    array = Array(pes=pes) if balance is not None and balance.scope == "group" else None
    return TicketPlan(ticket="m/r01", parent="dense", round=number, final=True, balance=balance, array=array)


def parent_of(mask: np.ndarray, weights: np.ndarray) -> Ticket:
    layer = layer_of(filters=2, channels=6, size=(3, 3), kernel=(1, 1), padding=(0, 0))
    return Ticket((layer,), Mask({"conv2": mask}), {"conv2": weights.reshape(SHAPE).astype(float)})


def test_without_balancing_a_round_only_prunes():
    parent = parent_of(rows("111111", "110000"), np.array([9, 8, 7, 6, 1, 2, 3, -5, 90, 90, 90, 90]))
    mask, changes = next_mask(parent, plan_of(), HALF, seed=0)
    assert np.array_equal(mask["conv2"], rows("111100", "000000"))  # magnitudes 9, 8, 7 and 6 of eight stay
    assert changes == Changes(num_pruned=4, num_recovered=0, num_removed=0)


def test_balancing_follows_pruning_and_prefers_what_was_just_pruned():
    """Filters keep 4 and 0 after pruning: the second gets its largest trained weights back, not untrained ones."""
    parent = parent_of(rows("111111", "110000"), np.array([9, 8, 7, 6, 1, 2, 3, -5, 90, 90, 90, 90]))
    balance = Balance(select="magnitude")
    mask, changes = next_mask(parent, plan_of(balance), HALF, seed=0)
    assert np.array_equal(mask["conv2"], rows("110000", "110000"))
    assert changes == Changes(num_pruned=4, num_recovered=2, num_removed=2)
    mask, changes = next_mask(parent, plan_of(balance.model_copy(update={"mode": "recover"})), HALF, seed=0)
    assert mask["conv2"][1, :2].all()
    assert changes == Changes(num_pruned=4, num_recovered=4, num_removed=0)


def test_draws_depend_on_seed_and_round():
    rng = np.random.default_rng(0)
    parent = Ticket((LAYER,), Mask({"conv2": mask_of(18, 9, 9, 9)}), {"conv2": rng.normal(size=(4, 2, 3, 3))})

    def drawn(number: int, seed: int) -> np.ndarray:
        return next_mask(parent, plan_of(Balance(), number), HALF, seed)[0]["conv2"]

    assert np.array_equal(drawn(1, 0), drawn(1, 0))
    assert not np.array_equal(drawn(1, 0), drawn(2, 0))
    assert not np.array_equal(drawn(1, 0), drawn(1, 1))


class StopHere(Exception):  # noqa: N818
    """Raised in place of a training."""


@pytest.fixture
def project(tmp_path, monkeypatch, small) -> Params:
    """A working folder with prepared images, a dense ticket and lth/r01, whose masks and weights all differ."""
    monkeypatch.chdir(tmp_path)
    params = read_params(PARAMS).model_copy(update={"model": small})
    params = params.model_copy(update={"train": params.train.model_copy(update={"device": "cpu"})})
    monkeypatch.setattr("stages.ticket.read_params", lambda: params)
    rng = np.random.default_rng(0)
    labels = np.arange(8) % 2
    images = ImageSet(rng.integers(0, 255, (8, 1, 8, 8)).astype(np.uint8), labels)
    save(Prepared("made up", ("a", "b"), images, images), PREPARED)
    write_plans(params)
    dense, first = ticket_files("dense"), ticket_files("lth/r01")
    save_state(copy_state(build(small, (1, 8, 8), 2, seed=1)), place_for(dense).rewind)
    write_ticket(dense, build(small, (1, 8, 8), 2, seed=2), density=1.0)
    write_ticket(first, build(small, (1, 8, 8), 2, seed=3), density=0.6)
    return params


def place_for(files: TicketFiles) -> TicketFiles:
    files.folder.mkdir(parents=True, exist_ok=True)
    return files


def write_ticket(files: TicketFiles, network: SpikingNetwork, density: float) -> None:
    """The files of a ticket that a round reads: pruned weights are zero, as trained."""
    rng = np.random.default_rng(0)
    kept = {name: rng.random(tuple(layer.weight.shape)) < density for name, layer in weight_layers(network).items()}
    for name, layer in weight_layers(network).items():
        layer.weight.data *= torch.from_numpy(kept[name])
    Mask(kept).save(place_for(files).mask)
    save_state(copy_state(network), files.weights)
    write_layers(files.layers, describe_layers(network, (1, 8, 8)), network.timesteps)
    files.search.write_text('{"timesteps": 2}')


def started(monkeypatch, ticket: str) -> tuple[object, dict[str, torch.Tensor]]:
    """Run the stage up to its training; return the job, and the state in which the network starts."""
    seen: list[object] = []

    def stop(job, keep) -> None:
        seen.extend([job, copy_state(job.masked.network)])
        raise StopHere

    monkeypatch.setattr(rounds, "train", stop)
    result = CliRunner().invoke(stage, [ticket])
    assert isinstance(result.exception, StopHere), result.output
    return seen[0], seen[1]


def test_a_ticket_starts_from_the_weights_of_the_rewind_epoch_that_its_mask_keeps(project, monkeypatch, small):
    job, state = started(monkeypatch, "lth/r02")
    rewind = copy_state(build(small, (1, 8, 8), 2, seed=1))
    masked = {f"{name}.weight": torch.from_numpy(kept.copy()) for name, kept in job.masked.mask.items()}
    assert set(masked) < set(rewind) == set(state)
    for name, values in rewind.items():
        assert torch.equal(state[name], values * masked[name] if name in masked else values), name


def test_a_round_prunes_its_parents_mask_by_its_parents_trained_weights(project, monkeypatch):
    job, _ = started(monkeypatch, "lth/r02")
    parent = Ticket.read(Path("tickets/lth/r01"))
    magnitudes = {name: np.abs(values) for name, values in parent.weights.items()}
    expected = prune_mask(parent.mask, magnitudes, project.prune.fraction)
    assert job.masked.mask.num_kept == parent.mask.num_kept - round(0.5 * parent.mask.num_kept)
    assert all(np.array_equal(job.masked.mask[name], expected[name]) for name in parent.mask)


def test_a_first_round_prunes_the_dense_network(project, monkeypatch):
    job, _ = started(monkeypatch, "uticket/r01")
    dense = Ticket.read(Path("tickets/dense"))
    assert 0.45 < job.masked.mask.density < 0.56
    for placed in place(Ticket(dense.layers, job.masked.mask), Array(pes=16)):
        for workload, used in zip(placed.workload.tolist(), placed.used_pes.tolist(), strict=True):
            assert len(set(workload[:used])) == 1


@pytest.mark.parametrize(("ticket", "number"), [("lth/r02", 2), ("uticket/r01", 1)])
def test_each_round_has_a_seed_of_its_own(project, monkeypatch, ticket, number):
    job, _ = started(monkeypatch, ticket)
    assert job.seed == torch_seed(project.seed, "train", number)


@pytest.mark.parametrize("epochs", [None, 3])
def test_rounds_may_have_fewer_epochs_than_the_dense_training(project, monkeypatch, epochs):
    prune = project.prune.model_copy(update={"epochs": epochs})
    monkeypatch.setattr("stages.ticket.read_params", lambda: project.model_copy(update={"prune": prune}))
    settings = started(monkeypatch, "lth/r02")[0].settings
    assert project.train.epochs == 12
    assert settings == project.train.model_copy(update={"epochs": epochs or 12})


def test_only_searches_that_are_made_shorter_have_fewer_timesteps(project, monkeypatch):
    assert started(monkeypatch, "lth/r02")[0].masked.network.timesteps == project.model.timesteps
    early = project.model_copy(update={"prune": project.prune.model_copy(update={"early_time": True})})
    write_plans(early)
    assert started(monkeypatch, "lth/r02")[0].masked.network.timesteps == 2
    write_plans(early.model_copy(update={"tickets": {"lth/r01": "dense", "lth/r02": "lth/r01"}}))
    assert started(monkeypatch, "lth/r02")[0].masked.network.timesteps == project.model.timesteps  # the last one


def test_a_parent_that_does_not_fit_is_named(project, monkeypatch):
    path = ticket_files("lth/r01").mask
    path.write_bytes(path.read_bytes()[:200])
    result = CliRunner().invoke(stage, ["lth/r02"])
    assert result.exit_code == 2
    assert result.output.startswith("Error: tickets/lth/r01/mask.safetensors: expected a safetensors file, got")
