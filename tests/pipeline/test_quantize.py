"""The stage `quantize`: which roundings are tested, and with which weights."""

import numpy as np
import pytest
import torch

from uticket.base.files import read_rows
from uticket.config.paths import quantization_file, ticket_files
from uticket.config.plan import ChainPlan
from uticket.data.prepared import ImageSet, Prepared
from uticket.networks.network import build, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.pipeline import quantize as stage
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.training.checkpoint import copy_state, save_state

SHAPE = (1, 8, 8)


@pytest.fixture
def prepared(tmp_path, monkeypatch) -> Prepared:
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 255, (8, *SHAPE)).astype(np.uint8)
    part = ImageSet(images, np.arange(8) % 2)
    return Prepared("made up", ("a", "b"), part, part)


def write_ticket(name: str, model, smallest: float) -> None:
    """All weights are kept; they are 1, but for `smallest` in the second place of each layer."""
    network, files = build(model, SHAPE, 2, seed=0), ticket_files(name)
    for layer in weight_layers(network).values():
        weights = torch.ones(layer.weight.numel())
        weights[1] = smallest
        layer.weight.data.copy_(weights.reshape(layer.weight.shape))
    files.folder.mkdir(parents=True)
    Mask.ones({name: tuple(layer.weight.shape) for name, layer in weight_layers(network).items()}).save(files.mask)
    save_state(copy_state(network), files.weights)
    write_layers(files.layers, describe_layers(network, SHAPE), network.timesteps)


def test_roundings_to_the_same_weights_are_tested_once(prepared, monkeypatch, small):
    """At 3 bits, steps of 1/3, 0.2 is one step by both quantizers; at 2 bits `plain` loses it. 1 is always exact."""
    write_ticket("dense", small, smallest=0.2)
    write_ticket("m/r01", small, smallest=1.0)
    tested = []

    def see(network, images) -> float:
        first = {tuple(layer.weight.detach().flatten()[:2].tolist()) for layer in weight_layers(network).values()}
        assert len(first) == 1
        tested.append(*first)
        return len(tested) / 10

    monkeypatch.setattr(stage, "accuracy", see)
    stage.quantize_chain(ChainPlan(method="m", rounds={"dense": 0, "m/r01": 1}), small, "cpu", (3, 2), prepared)
    assert tested == [(1, pytest.approx(1 / 3)), (1, 0), (1, 1), (1, 1)]
    assert read_rows(quantization_file("m")) == [
        {"ticket": ticket, "weight_bits": bits, "quantizer": quantizer, "accuracy": accuracy}
        for ticket, accuracies in (("dense", "1123"), ("m/r01", "4444"))
        for (bits, quantizer), accuracy in zip(
            (("3", "plain"), ("3", "keep_mask"), ("2", "plain"), ("2", "keep_mask")),
            (f"0.{digit}" for digit in accuracies),
            strict=True,
        )
    ]
