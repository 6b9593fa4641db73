import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from uticket.base.errors import InputError
from uticket.config.params import Model, Train
from uticket.engine.layout import BatchFirst, BatchLast
from uticket.networks.models import SpikingNetwork, build, weight_layers
from uticket.ticket.mask import Mask
from uticket.training.batches import Images
from uticket.training.checkpoint import copy_state, load_state, save_state
from uticket.training.early_time import enough_timesteps
from uticket.training.evaluate import accuracy
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.run import Epoch
from uticket.training.search import WHOLE, Search
from uticket.training.train import fastest_layout, mean_loss, per_step_loss, running_in, train


def made_up(count: int = 24) -> Images:
    """Images of two classes that a network can tell apart: bright above or bright below."""
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 60, (count, 1, 8, 8), generator=draw)
    labels = torch.arange(count) % 2
    images[labels == 0, :, :4] += 150
    images[labels == 1, :, 4:] += 150
    return Images(images.to(torch.uint8), labels, torch.full((1, 1, 1), 100.0), torch.full((1, 1, 1), 80.0))


def half_mask(network: SpikingNetwork) -> Mask:
    rng = np.random.default_rng(0)
    return Mask({name: rng.random(layer.weight.shape) < 0.5 for name, layer in weight_layers(network).items()})


def run(
    small: Model, brief: Train, seed: int = 0, masked: bool = True, folder: Path | None = None
) -> tuple[SpikingNetwork, Mask, list[Epoch]]:
    network = build(small, (1, 8, 8), 2, seed=0)
    mask = half_mask(network)
    if not masked:
        mask = Mask.ones({name: values.shape for name, values in mask.items()})
    weights = MaskedWeights(network, mask)
    with tempfile.TemporaryDirectory() as other, Keep("test", brief.save_minutes, root=folder or Path(other)) as keep:
        trained = train(network, weights, made_up(), made_up(), brief, seed, keep, rewind_epoch=1)
    assert trained.rewind is not None
    return network, mask, trained.epochs


def test_pruned_weights_stay_exactly_zero_and_the_others_move(small, brief):
    network, mask, _ = run(small, brief)
    before = weight_layers(build(small, (1, 8, 8), 2, seed=0))
    for name, layer in weight_layers(network).items():
        kept = torch.from_numpy(mask[name].copy())
        assert (layer.weight[~kept] == 0).all()
        assert (layer.weight[kept] != before[name].weight[kept]).float().mean() > 0.9


def test_masked_training_is_that_of_weights_multiplied_by_the_mask(small, brief):
    """The obvious way: a plain loop in which every forward pass sees weight * mask."""
    network, mask, _ = run(small, brief)
    plain = build(small, (1, 8, 8), 2, seed=0)
    layers = weight_layers(plain)
    masks = {name: torch.from_numpy(mask[name].copy()) for name in mask}
    images, rng = made_up(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, weight_decay=0.0005)
    steps, step = 2 * 3, 0
    for _ in range(2):
        plain.train()
        for chosen in images.order(8, rng).split(8):
            batch, labels = images.augmented(images.images[chosen], brief.augment, rng), images.labels[chosen]
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * (1 + math.cos(math.pi * step / steps)) / 2
            with torch.no_grad():
                for name, layer in layers.items():
                    layer.weight *= masks[name]
            outputs = plain(batch)
            loss = sum(torch.nn.functional.cross_entropy(output, labels) for output in outputs) / len(outputs)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    for name, layer in weight_layers(network).items():
        torch.testing.assert_close(layer.weight, layers[name].weight * masks[name], atol=1e-4, rtol=1e-3)


def test_a_network_learns_and_reports_its_last_epoch(small, brief):
    network, _, epochs = run(small, brief.model_copy(update={"epochs": 12}), masked=False)
    assert [epoch.epoch for epoch in epochs] == list(range(1, 13))
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].test_accuracy == accuracy(network, made_up()) > 0.9


def test_same_seed_gives_same_bytes_and_another_seed_others(small, brief):
    one, same, other = (copy_state(run(small, brief, seed)[0]) for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["conv2.weight"], other["conv2.weight"])


def test_diverged_training_is_told(small, brief):
    with pytest.raises(InputError, match=r"test: expected a finite loss, came (nan|inf) in epoch \d+; lower train"):
        run(small, brief.model_copy(update={"learning_rate": 1e30, "epochs": 9}))


def test_losses_of_a_small_case_by_hand():
    outputs = torch.tensor([[[math.log(3.0), 0.0]], [[0.0, 0.0]]])  # probabilities 3/4 and 1/2 of class 0
    labels = torch.tensor([0])
    assert per_step_loss(outputs, labels).item() == pytest.approx(-(math.log(3 / 4) + math.log(1 / 2)) / 2)
    root = math.sqrt(3.0)
    assert mean_loss(outputs, labels).item() == pytest.approx(-math.log(root / (root + 1)))


def test_per_step_loss_pairs_outputs_and_labels():
    torch.manual_seed(0)
    outputs, labels = torch.randn(3, 4, 5), torch.tensor([0, 1, 2, 3])
    by_step = [torch.nn.functional.cross_entropy(output, labels) for output in outputs]
    torch.testing.assert_close(per_step_loss(outputs, labels), torch.stack(by_step).mean())


def test_mask_must_cover_the_network(small):
    network = build(small, (1, 8, 8), 2, seed=0)
    mask = half_mask(network)
    with pytest.raises(ValueError, match="differs in 'fc'"):
        MaskedWeights(network, Mask({name: values for name, values in mask.items() if name != "fc"}))
    with pytest.raises(ValueError, match="expected layer 'fc' of shape"):
        MaskedWeights(network, mask.replace({"fc": np.ones((2, 3))}))


def test_state_is_loaded_as_saved_and_damage_is_told(small, tmp_path):
    one, other = (build(small, (1, 8, 8), 2, seed) for seed in (0, 1))
    save_state(copy_state(one), tmp_path / "state")
    load_state(other, tmp_path / "state")
    assert torch.equal(one.conv4.weight, other.conv4.weight)
    (tmp_path / "half").write_bytes((tmp_path / "state").read_bytes()[:2000])
    for path in (tmp_path / "half", tmp_path / "absent"):
        with pytest.raises(ValueError, match=f"{path.name}: expected the weights of this network"):
            load_state(one, path)
    wider = build(small.model_copy(update={"width": 0.25}), (1, 8, 8), 2, 0)
    with pytest.raises(ValueError, match="state: expected the weights of this network") as error:
        load_state(wider, tmp_path / "state")
    assert "\n" not in str(error.value)


def test_sparse_training_goes_the_way_of_dense_training(small, brief):
    """The same images in the same order: losses differ by rounding only."""
    losses = {}
    for sparse in ("off", "auto"):
        network = build(small, (1, 8, 8), 2, seed=0)
        rng = np.random.default_rng(0)
        mask = Mask({name: rng.random(layer.weight.shape) < 0.06 for name, layer in weight_layers(network).items()})
        mask = mask.replace({"fc": np.ones_like(mask["fc"])})
        weights, settings = MaskedWeights(network, mask), brief.model_copy(update={"sparse": sparse})
        layout = fastest_layout(network, mask, made_up(), settings)
        assert isinstance(layout, BatchLast if sparse == "auto" else BatchFirst)
        with tempfile.TemporaryDirectory() as folder, Keep("test", 1000, root=Path(folder)) as keep:
            trained = train(network, weights, made_up(), made_up(), settings, 0, keep)
        losses[sparse] = [epoch.loss for epoch in trained.epochs]
        for name, layer in weight_layers(network).items():
            assert (layer.weight.detach().numpy()[~mask[name]] == 0).all()
    assert losses["auto"] == pytest.approx(losses["off"], abs=1e-3)


def test_network_is_in_its_own_layout_again_after_a_training_that_failed(small):
    network = build(small, (1, 8, 8), 2, seed=0)
    before, seen = network.layout, []

    def fail() -> None:
        with running_in(network, BatchLast({})):
            seen.append(type(network.layout))
            raise InputError("diverged")

    with pytest.raises(InputError, match="diverged"):
        fail()
    assert seen == [BatchLast]
    assert network.layout is before


def test_mixed_precision_goes_about_the_way_of_single_precision(small, brief):
    losses = {}
    for precision in ("fp32", "bf16"):
        network, mask, epochs = run(small, brief.model_copy(update={"precision": precision, "epochs": 4}))
        losses[precision] = [epoch.loss for epoch in epochs]
        layers = weight_layers(network)
        assert all(layer.weight.dtype == torch.float32 for layer in layers.values())
        assert all((layer.weight.detach().numpy()[~mask[name]] == 0).all() for name, layer in layers.items())
    assert losses["bf16"] == pytest.approx(losses["fp32"], abs=0.1)
    assert losses["bf16"] != losses["fp32"]


def test_compiled_training_is_for_gpus(small, brief):
    with pytest.raises(InputError, match="train.compile: expected a GPU"):
        run(small, brief.model_copy(update={"compile": True}))


@pytest.mark.parametrize("name", ["vgg7", "resnet19"])
def test_networks_are_traced_as_a_whole_when_they_are_compiled(small, name):
    """What `train.compile` hands to the compiler: no part of a forward or backward pass is left to Python."""
    network = build(small.model_copy(update={"name": name, "width": 0.0625}), (1, 8, 8), 2, seed=0)
    images, labels = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 0, 1])
    found = []
    for forward in (network, torch.compile(network, backend="aot_eager", fullgraph=True)):
        network.zero_grad()
        outputs = forward(images)
        per_step_loss(outputs, labels).backward()
        found.append([outputs.detach(), *(p.grad.clone() for p in network.parameters())])
    for eager, compiled in zip(*found, strict=True):
        torch.testing.assert_close(eager, compiled, atol=1e-5, rtol=1e-3)


class After:
    """Settles after so many epochs; sees the weights."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.recent, self.seen = epochs, [], []

    def see(self, weights):
        self.recent = [*self.recent, np.array([1], dtype=np.uint8)]
        self.seen.append(weights["fc"].copy())

    @property
    def settled(self):
        return len(self.recent) >= self.epochs


def search(small: Model, brief: Train, folder: Path, how: Search) -> tuple:
    network = build(small, (1, 8, 8), 2, seed=0)
    weights = MaskedWeights(network, half_mask(network))
    with Keep("test", 0.0, root=folder) as keep:
        trained = train(network, weights, made_up(), made_up(), brief, 0, keep, search=how)
    return network, trained


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


def test_search_that_is_killed_goes_on_with_its_timesteps_and_what_it_saw(small, brief, tmp_path, monkeypatch):
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
