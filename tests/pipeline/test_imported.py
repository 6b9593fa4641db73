"""`uticket import`: somebody's trained network as the start of the chains."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from ruamel.yaml import YAML

from stages.dense import main as dense_stage
from stages.plan import main as plan_stage
from stages.ticket import main as ticket_stage
from tests.cli.helpers import fails, printed
from tests.config.helpers import comments
from tests.helpers import PARAMS, ROOT
from uticket.config.params import read_params
from uticket.config.paths import PREPARED
from uticket.data.prepared import ImageSet, Prepared, load, save
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.ticket.ticket import Ticket
from uticket.training.batches import on_device
from uticket.training.checkpoint import State, copy_state
from uticket.training.early_time import choose_timesteps
from uticket.training.evaluate import accuracy

TEXT = "params.yaml"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A working folder with small params and prepared images of two classes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uticket").symlink_to(ROOT / "uticket")  # where the chip file is
    shutil.copy(PARAMS, TEXT)
    yaml = YAML()
    values = yaml.load(Path(TEXT))
    values["model"] |= {"width": 0.125, "timesteps": 3}
    values["train"] |= {"epochs": 1, "batch_size": 16, "device": "cpu"}
    values["tickets"], values["balance"] = {"lth/r01": "dense"}, {"lth": None}
    yaml.dump(values, Path(TEXT))
    rng, labels = np.random.default_rng(0), np.arange(32) % 2
    images = ImageSet(rng.integers(0, 255, (32, 1, 8, 8)).astype(np.uint8), labels)
    save(Prepared("digits", ("a", "b"), images, images), PREPARED)
    return tmp_path


def sparse_network(density: float = 0.4) -> SpikingNetwork:
    """A network of the params that somebody pruned, with batch norm of its own."""
    network, rng = build(read_params().model, (1, 8, 8), 2, seed=8), np.random.default_rng(1)
    for layer in weight_layers(network).values():
        layer.weight.data *= torch.from_numpy(rng.random(tuple(layer.weight.shape)) < density)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.bias.data.fill_(0.7)
            module.running_mean.fill_(0.1)
    return network


def written(state: State | dict, name: str = "theirs.pth") -> str:
    torch.save(state, name)
    return name


def run(stage, *arguments: str) -> None:
    result = CliRunner().invoke(stage, list(arguments))
    assert result.exit_code == 0, result.output


def test_chains_start_from_it_and_its_zeros_stay_pruned():
    network, before = sparse_network(), Path(TEXT).read_text()
    lines = printed("import", written({"state_dict": copy_state(network)}), "--as", "dense").splitlines()
    kept = sum(int((layer.weight != 0).sum()) for layer in weight_layers(network).values())
    assert lines[0].startswith(f"checkpoints/theirs.safetensors: {kept:,} of ")
    assert lines[-2] == "params.yaml: dense.checkpoint: checkpoints/theirs.safetensors"
    assert lines[-1].startswith("next: dvc repro")
    assert read_params().dense.checkpoint == "checkpoints/theirs.safetensors"
    assert comments(Path(TEXT).read_text()) == comments(before)
    assert "in order" in printed("check")

    Path("theirs.pth").unlink()  # the copy is the project's
    run(plan_stage)
    run(dense_stage)
    dense = Ticket.read("tickets/dense")
    for name, layer in weight_layers(network).items():
        weights = layer.weight.detach().numpy()
        assert np.array_equal(dense.weights[name], weights)
        assert np.array_equal(dense.mask[name], weights != 0)
    assert (
        Path("tickets/dense/rewind.safetensors").read_bytes() == Path("tickets/dense/weights.safetensors").read_bytes()
    )
    with Path("tickets/dense/training.csv").open() as file:
        (row,) = csv.DictReader(file)
    _, test = on_device(load(PREPARED), torch.device("cpu"))
    assert (row["epoch"], float(row["test_accuracy"])) == ("0", accuracy(network, test))
    assert row["train_accuracy"] == row["test_accuracy"]  # the same images, without augmentation
    assert not Path("tickets/dense/cost.json").exists()

    run(ticket_stage, "lth/r01")
    ticket = Ticket.read("tickets/lth/r01")
    assert ticket.mask.num_kept == kept - round(0.5 * kept)
    assert not any((ticket.mask[name] & ~dense.mask[name]).any() for name in dense.mask)
    assert not any(ticket.weights[name][~dense.mask[name]].any() for name in dense.mask)


def test_rounds_prune_by_the_imported_weights_and_start_from_them(monkeypatch):
    network = sparse_network(1.0)
    printed("import", written(copy_state(network)))
    run(plan_stage)
    run(dense_stage)
    seen = []
    monkeypatch.setattr(
        "uticket.pipeline.rounds.train", lambda job, keep: seen.append(copy_state(job.network)) or 1 / 0
    )
    CliRunner().invoke(ticket_stage, ["lth/r01"])
    magnitudes = np.concatenate([layer.weight.detach().abs().flatten() for layer in weight_layers(network).values()])
    threshold = np.median(magnitudes)
    for name, layer in weight_layers(network).items():
        weights = layer.weight.detach()
        assert torch.equal(seen[0][f"{name}.weight"], weights * (weights.abs() > threshold))
    assert torch.equal(seen[0]["norm1.bias"], network.norm1.bias)


def test_early_time_chooses_the_timesteps_of_the_network_as_it_is():
    text = Path(TEXT).read_text().replace("early_time: false", "early_time: true").replace("epochs: 1\n", "epochs: 3\n")
    Path(TEXT).write_text(text.replace("timesteps: 3", "timesteps: 6"))
    network = sparse_network()
    printed("import", written(copy_state(network)))
    run(dense_stage)
    search = YAML(typ="safe").load(Path("tickets/dense/search.json"))
    images, _ = on_device(load(PREPARED), torch.device("cpu"))
    chosen, divergences = choose_timesteps(network, images, threshold=0.6)
    assert search == {"timesteps": chosen, "divergence": {str(t): value for t, value in divergences.items()}}
    assert chosen < 6
    assert Ticket.read("tickets/dense").timesteps == chosen


def test_names_may_have_a_prefix_and_what_training_left_behind_is_listed():
    network = sparse_network()
    state = {f"module.{name}": value for name, value in copy_state(network).items()}
    lines = printed("import", written(state | {"module.lif9.mem": torch.zeros(3)}, "run.7.pt")).splitlines()
    assert lines[1] == "left out: module.lif9.mem"
    assert Path("checkpoints/run.safetensors").exists()
    constants = {name: value for name, value in copy_state(network).items() if "lif" not in name}
    printed("import", written(constants, "constants.pt"))  # those of params.yaml
    assert Path("checkpoints/constants.safetensors").read_bytes() == Path("checkpoints/run.safetensors").read_bytes()


def test_masks_of_pruning_are_applied_and_the_folder_of_a_ticket_is_read():
    network = sparse_network(1.0)
    state = copy_state(network)
    state["conv2.weight_orig"] = state.pop("conv2.weight")
    state["conv2.weight_mask"] = torch.zeros_like(state["conv2.weight_orig"])
    printed("import", written(state))
    run(dense_stage)
    ticket = Ticket.read("tickets/dense")
    assert not ticket.mask["conv2"].any()
    assert ticket.mask["conv3"].all()
    Path("other").mkdir()
    ticket.write("other/dense")
    shutil.copy("tickets/dense/weights.safetensors", "other/dense/weights.safetensors")
    printed("import", "other/dense")
    assert Path("checkpoints/dense.safetensors").read_bytes() == Path("checkpoints/theirs.safetensors").read_bytes()


def changed(**changes: torch.Tensor | None) -> dict:
    """The state of a network with other arrays; those that are None are left out."""
    state = {**copy_state(sparse_network()), **{name.replace("__", "."): value for name, value in changes.items()}}
    return {name: value for name, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"conv3__weight": None},
            "expected conv3.weight of the network, got conv1.weight, norm1.weight, norm1.bias and",
        ),
        ({"norm2__running_var": None}, "expected norm2.running_var of the network, got "),
        ({"fc__weight": torch.zeros(3, 16)}, "expected 'fc.weight' of shape (2, 16), got (3, 16)"),
        ({"conv2__weight": torch.full((4, 4, 3, 3), torch.nan)}, "expected finite values in 'conv2.weight', got NaN"),
        ({"conv2__bias": torch.zeros(4)}, "expected arrays of the network only, got conv2.bias too"),
        ({"conv9__weight": torch.zeros(4, 4, 3, 3)}, "expected arrays of the network only, got conv9.weight too"),
        ({"lif2__beta": torch.tensor(0.5)}, "expected 0.25 in 'lif2.beta', as params.yaml says, got 0.5"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_one_line(changes, error):
    before = Path(TEXT).read_text()
    assert f"Error: theirs.pth: {error}" in fails("import", written(changed(**changes)))
    assert Path(TEXT).read_text() == before
    assert not Path("checkpoints").exists()


def test_a_file_is_replaced_with_force_only():
    printed("import", written(copy_state(sparse_network(0.5))))
    first = Path("checkpoints/theirs.safetensors").read_bytes()
    other = written(copy_state(sparse_network(0.2)))
    assert "checkpoints/theirs.safetensors: expected no such file, got one; --force replaces it" in fails(
        "import", other
    )
    assert Path("checkpoints/theirs.safetensors").read_bytes() == first
    printed("import", other, "--force")
    assert Path("checkpoints/theirs.safetensors").read_bytes() != first


def test_a_checkpoint_that_is_gone_is_named():
    printed("import", written(copy_state(sparse_network())))
    Path("checkpoints/theirs.safetensors").unlink()
    assert "dense.checkpoint: expected a file, got none at checkpoints/theirs.safetensors; run uticket import" in fails(
        "check"
    )
    result = CliRunner().invoke(dense_stage)
    assert result.output.startswith("Error: checkpoints/theirs.safetensors: expected ")
    text = Path(TEXT).read_text().replace("checkpoints/theirs.safetensors", "elsewhere/theirs.safetensors")
    Path(TEXT).write_text(text)
    assert "dense.checkpoint: expected checkpoints/NAME.safetensors, which uticket import writes, got" in fails("check")


def test_nothing_is_imported_as_anything_else():
    assert "--as: expected one of dense, got 'ticket'" in fails("import", "theirs.pth", "--as", "ticket")
