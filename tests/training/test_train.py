"""Whole trainings of small networks."""

import math

import pytest
import torch

from tests.training.helpers import drawn_mask, fresh, job_of, made_up, ones, run
from uticket.base.errors import InputError
from uticket.engine.batch_last import BatchLast
from uticket.engine.layout import BatchFirst
from uticket.networks.network import weight_layers
from uticket.training.checkpoint import copy_state
from uticket.training.evaluate import accuracy
from uticket.training.running import fastest_layout


def test_pruned_weights_stay_exactly_zero_and_the_rest_move(small, brief, tmp_path):
    network = fresh(small)
    before, mask = weight_layers(fresh(small)), drawn_mask(network)
    run(job_of(network, mask, brief), tmp_path)
    for name, layer in weight_layers(network).items():
        kept = torch.from_numpy(mask[name].copy())
        assert (layer.weight[~kept] == 0).all()
        assert (layer.weight[kept] != before[name].weight[kept]).float().mean() > 0.9


def test_masked_training_is_that_of_weights_multiplied_by_the_mask(small, brief, tmp_path):
    """The obvious way: a plain loop in which every forward pass sees weight * mask."""
    network, plain = fresh(small), fresh(small)
    mask = drawn_mask(network)
    run(job_of(network, mask, brief), tmp_path)
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


def test_a_network_learns_and_reports_its_last_epoch(small, brief, tmp_path):
    network = fresh(small)
    epochs = run(job_of(network, ones(network), brief.model_copy(update={"epochs": 12})), tmp_path).epochs
    assert [epoch.epoch for epoch in epochs] == list(range(1, 13))
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].test_accuracy == accuracy(network, made_up()) > 0.9


def test_same_seed_gives_same_bytes_and_another_seed_other_ones(small, brief, tmp_path):
    states = []
    for seed in (0, 0, 1):
        network = fresh(small)
        run(job_of(network, drawn_mask(network), brief, seed), tmp_path)
        states.append(copy_state(network))
    one, same, other = states
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["conv2.weight"], other["conv2.weight"])


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_rewind_weights_are_those_at_the_end_of_the_epoch(small, brief, tmp_path, epoch):
    network = fresh(small)
    job = job_of(network, drawn_mask(network), brief, rewind_epoch=epoch)
    before = copy_state(network)
    rewind = run(job, tmp_path).rewind
    after = copy_state(network)
    assert all(torch.equal(rewind[name], before[name]) for name in before) == (epoch == 0)
    assert all(torch.equal(rewind[name], after[name]) for name in after) == (epoch == 2)


def test_diverged_training_is_reported(small, brief, tmp_path):
    network = fresh(small)
    job = job_of(network, drawn_mask(network), brief.model_copy(update={"learning_rate": 1e30, "epochs": 9}))
    with pytest.raises(InputError, match=r"test: expected a finite loss, got (nan|inf) in epoch \d+; lower train"):
        run(job, tmp_path)


def test_sparse_training_gives_the_losses_of_dense_training(small, brief, tmp_path):
    """The same images in the same order: losses differ by rounding only."""
    losses = {}
    for sparse in ("off", "auto"):
        network = fresh(small)
        mask = drawn_mask(network, 0.06)
        mask = mask.replace({"fc": ones(network)["fc"]})
        job = job_of(network, mask, brief.model_copy(update={"sparse": sparse}))
        assert isinstance(fastest_layout(job), BatchLast if sparse == "auto" else BatchFirst)
        losses[sparse] = [epoch.loss for epoch in run(job, tmp_path).epochs]
        for name, layer in weight_layers(network).items():
            assert (layer.weight.detach().numpy()[~mask[name]] == 0).all()
    assert losses["auto"] == pytest.approx(losses["off"], abs=1e-3)


def test_mixed_precision_gives_about_the_losses_of_single_precision(small, brief, tmp_path):
    losses = {}
    for precision in ("fp32", "bf16"):
        network = fresh(small)
        mask = drawn_mask(network)
        job = job_of(network, mask, brief.model_copy(update={"precision": precision, "epochs": 4}))
        losses[precision] = [epoch.loss for epoch in run(job, tmp_path).epochs]
        layers = weight_layers(network)
        assert all(layer.weight.dtype == torch.float32 for layer in layers.values())
        assert all((layer.weight.detach().numpy()[~mask[name]] == 0).all() for name, layer in layers.items())
    assert losses["bf16"] == pytest.approx(losses["fp32"], abs=0.1)
    assert losses["bf16"] != losses["fp32"]
