"""npz and torch: masks and weights for numpy and for `torch.nn.utils.prune`."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from tests.exchange.helpers import linear_of, source_of
from tests.exchange.networks import images_of, lively, run, saved
from tests.helpers import layer_of
from uticket.base.errors import InputError
from uticket.config.paths import TicketFiles
from uticket.exchange.format import Source
from uticket.exchange.npz import write_npz
from uticket.exchange.torch import write_torch
from uticket.networks.network import build, weight_layers
from uticket.ticket.ticket import Ticket
from uticket.training.checkpoint import save_state

SHAPE = (1, 8, 8)


def test_npz_has_the_mask_and_the_masked_weights_of_each_layer(tmp_path):
    source = source_of(tmp_path / "ticket", layer_of(), linear_of(3, 4))
    written = write_npz(source, tmp_path / "out.npz")
    assert written.contents == "2 masks, 2 layers with weights"
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"conv2.mask", "conv2.weight", "fc.mask", "fc.weight"}
        for name, mask in source.ticket.mask.items():
            assert arrays[f"{name}.mask"].dtype == np.bool_
            assert np.array_equal(arrays[f"{name}.mask"], mask)
            assert np.array_equal(arrays[f"{name}.weight"], source.ticket.weights[name] * mask)
            assert arrays[f"{name}.weight"].dtype == np.float32


def test_npz_of_masks_alone(tmp_path):
    ticket = Ticket([layer_of()], {"conv2": np.ones((4, 2, 3, 3))})
    write_npz(Source(TicketFiles(tmp_path), ticket), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        assert list(arrays) == ["conv2.mask"]


@pytest.mark.parametrize(("name", "ending"), [("vgg7", "pt"), ("resnet19", "pth")])
def test_state_loads_strictly_into_the_pruned_network_and_gives_the_same_outputs(tmp_path, small, name, ending):
    """Strictly: no name is missing, and none is left over; by `identity` and by `custom_from_mask`."""
    settings = small.model_copy(update={"name": name})
    trained = lively(settings, SHAPE)
    source = saved(tmp_path / "ticket", trained, settings, SHAPE)  # the file has all weights, the network only the kept
    write_torch(source, tmp_path / f"out.{ending}")
    state = torch.load(tmp_path / f"out.{ending}", weights_only=True)
    images = images_of(SHAPE, number=2)
    expected, spikes = run(trained, images)
    assert min(values.mean() for values in spikes.values()) > 0.01
    for by in (lambda layer, mask: prune.identity(layer, "weight"), by_mask):
        network = build(settings, SHAPE, 5, seed=3).eval()
        for layer_name, layer in weight_layers(network).items():
            by(layer, source.ticket.mask[layer_name])
        network.load_state_dict(state, strict=True)
        assert torch.equal(run(network, images)[0], expected)
        for layer in weight_layers(network).values():
            prune.remove(layer, "weight")
        assert torch.equal(run(network, images)[0], expected)


def by_mask(layer: nn.Module, mask: np.ndarray) -> None:
    prune.custom_from_mask(layer, "weight", torch.from_numpy(mask.copy()))


def test_state_without_the_weights_of_a_layer_is_reported_by_file(tmp_path):
    source = source_of(tmp_path / "ticket", layer_of())
    source.files.weights.unlink()
    with pytest.raises(InputError, match=r"weights.safetensors: expected the weights of the ticket, got no file"):
        write_torch(source, tmp_path / "out.pt")
    save_state({"conv1.weight": torch.ones(1)}, source.files.weights)
    with pytest.raises(InputError, match=r"weights.safetensors: expected the array 'conv2.weight', got none"):
        write_torch(source, tmp_path / "out.pt")
    assert not (tmp_path / "out.pt").exists()
