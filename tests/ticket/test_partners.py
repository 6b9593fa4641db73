"""Weights that a file has in parts, as torch's own functions and other tools write them."""

import copy
import warnings

import numpy as np
import pytest
import torch
from torch.ao.pruning import WeightNormSparsifier
from torch.nn.utils import parametrizations
from torch.nn.utils.prune import l1_unstructured

from tests.helpers import mask_of, write_foreign
from uticket.base.errors import InputError
from uticket.ticket.ticket import Ticket

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)
KEPT = RNG.random((4, 3, 3, 3)) < 0.4


def conv_of(weights: np.ndarray) -> torch.nn.Conv2d:
    conv = torch.nn.Conv2d(3, 4, 3)
    conv.weight.data = torch.from_numpy(weights.copy())
    return conv


def saved(tmp_path, module: torch.nn.Module, name: str = "conv.") -> Ticket:
    """The ticket that is read from the state dict of a module in a network."""
    torch.save({name + key: value for key, value in module.state_dict().items()}, tmp_path / "w.pt")
    return Ticket.read(tmp_path / "w.pt")


def test_weights_pruned_by_torch_are_read_as_pruned(tmp_path):
    conv = conv_of(WEIGHTS)
    l1_unstructured(conv, "weight", 0.75)
    ticket = saved(tmp_path, conv, name="")
    assert [layer.name for layer in ticket.on_pes] == ["weight"]
    assert np.array_equal(ticket.weights["weight"], conv.weight.detach().numpy())
    assert np.count_nonzero(ticket.mask["weight"]) == 27
    assert ticket.notes == ()


def test_pruned_weight_whose_mask_has_another_shape_is_an_error(tmp_path):
    arrays = {"conv.weight_orig": np.ones((2, 2, 1, 1)), "conv.weight_mask": np.ones((2, 2, 3, 3))}
    path = write_foreign(tmp_path / "w.npz", arrays)
    with pytest.raises(InputError) as error:
        Ticket.read(path)
    assert str(error.value) == f"{path}: expected a mask of 'conv.weight' of shape (2, 2, 1, 1), got (2, 2, 3, 3)"


def old_weight_norm(conv: torch.nn.Module, dim: int | None = 0) -> torch.nn.Module:
    with warnings.catch_warnings(action="ignore"):  # deprecated, but in many files
        return torch.nn.utils.weight_norm(conv, dim=dim)


@pytest.mark.parametrize("normed", [old_weight_norm, parametrizations.weight_norm])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_is_computed(tmp_path, normed, dim):
    by_torch = normed(conv_of(WEIGHTS * KEPT), dim=dim)
    for name, value in by_torch.named_parameters():
        if name.endswith(("_g", "original0")):
            value.data *= 3.0
    ticket = saved(tmp_path, by_torch)
    (layer,) = ticket.on_pes
    assert layer.name == "conv.weight"
    assert np.allclose(ticket.weights["conv.weight"], 3 * WEIGHTS * KEPT, atol=1e-6)
    assert np.array_equal(ticket.mask["conv.weight"], KEPT)
    assert [part.name for part in ticket.skipped] == ["conv.bias"]


def test_filter_without_weights_stays_without_by_weight_norm(tmp_path):
    kept = KEPT.copy()
    kept[2] = False
    ticket = saved(tmp_path, old_weight_norm(conv_of(WEIGHTS * kept)))
    assert np.array_equal(ticket.mask["conv.weight"], kept)


@pytest.mark.parametrize("normed", [torch.nn.utils.spectral_norm, parametrizations.spectral_norm])
def test_spectral_norm_is_computed(tmp_path, normed):
    conv = normed(conv_of(WEIGHTS * KEPT)).eval()
    ticket = saved(tmp_path, conv)
    conv(torch.zeros(1, 3, 3, 3))  # sets the weight of the old one
    assert np.allclose(ticket.weights["conv.weight"], conv.weight.detach().numpy(), atol=1e-6)
    assert np.array_equal(ticket.mask["conv.weight"], KEPT)
    assert ticket.notes == ()


@pytest.mark.parametrize("normed", [torch.nn.utils.spectral_norm, parametrizations.spectral_norm])
def test_spectral_norm_of_a_transposed_convolution_has_its_filters_second(tmp_path, normed):
    deconv = torch.nn.ConvTranspose2d(4, 3, 2)
    deconv = normed(deconv).eval()
    deconv(torch.zeros(1, 4, 3, 3))
    ticket = saved(tmp_path, deconv)
    assert np.allclose(ticket.weights["conv.weight"], deconv.weight.detach().numpy(), atol=1e-6)


def test_parametrization_whose_mask_is_not_in_the_file_is_reported(tmp_path):
    net = torch.nn.Sequential(torch.nn.Linear(8, 8))
    sparsifier = WeightNormSparsifier(sparsity_level=0.5)
    sparsifier.prepare(net, [{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    effective = net[0].weight.detach().numpy()
    torch.save(net.state_dict(), tmp_path / "w.pt")
    ticket = Ticket.read(tmp_path / "w.pt", linear=True)
    assert ticket.mask.num_kept == 64 > np.count_nonzero(effective)
    (note,) = ticket.notes
    assert note.startswith("0.weight: pruned by a parametrization (such as FakeSparsity) whose mask is not in the file")
    sparsifier.squash_mask()
    torch.save(net.state_dict(), tmp_path / "w.pt")
    squashed = Ticket.read(tmp_path / "w.pt", linear=True)
    assert squashed.notes == ()
    assert np.array_equal(squashed.mask["0.weight"], effective != 0)


@pytest.mark.parametrize(
    ("weight", "mask"),
    [
        ("conv.weight", "conv.weight_mask"),
        ("conv.weight", "conv.mask"),
        ("conv.weight", "conv._mask"),
        ("conv.weight", "conv.mask_weight"),
        ("conv.weight", "conv.weight.mask"),
        ("conv.weight", "masks.conv.weight"),
        ("conv.weight", "mask.conv"),
        ("conv.module.weight", "conv.weight_mask"),  # NNI's wrapper of a module
        ("conv.weight", "conv._nni_wrapper.weight_mask"),
        ("conv.weight_orig", "conv.weight_mask"),
        ("conv.parametrizations.weight.original", "conv.parametrizations.weight.0.mask"),
        ("conv", "conv_mask"),
        ("conv", "conv.mask"),
        ("weight", "mask"),
        ("params/conv/kernel", "params/conv/mask"),
    ],
)
@pytest.mark.parametrize("mask_first", [False, True])
def test_masks_beside_weights_are_applied(weight, mask, mask_first):
    arrays = {weight: WEIGHTS, mask: KEPT.astype(np.float32)}
    if mask_first:
        arrays = dict(reversed(arrays.items()))
    ticket = Ticket.from_arrays(arrays, layout="oihw")
    (name,) = ticket.mask
    assert np.array_equal(ticket.mask[name], KEPT)
    assert np.array_equal(ticket.weights[name], WEIGHTS * KEPT)
    assert ticket.skipped == ()


def test_masks_of_whole_filters_are_applied():
    kept = np.array([1, 0, 1, 1])
    for mask in (kept, kept[:, None, None, None]):
        ticket = Ticket.from_arrays({"conv.weight": WEIGHTS, "conv.mask": mask})
        assert ticket.mask["conv.weight"].reshape(4, -1).sum(1).tolist() == [27, 0, 27, 27]


def test_scores_and_masks_of_other_shapes_are_not_applied_and_reported():
    arrays = {"conv.weight": WEIGHTS, "conv.mask_weight": WEIGHTS[::-1], "other.weight": WEIGHTS * 2}
    ticket = Ticket.from_arrays(arrays | {"other.mask": np.ones((2, 2, 3, 3))})
    assert ticket.mask.num_kept == 2 * WEIGHTS.size
    assert [layer.name for layer in ticket.layers][:2] == ["conv.weight", "other.weight"]
    assert ticket.notes[0].startswith("conv.mask_weight, other.mask: named as masks or scores, but ")


def test_masks_without_weights_are_layers():
    for name in ("conv.weight_mask", "conv.mask", "mask", "masks.conv"):
        ticket = Ticket.from_arrays({name: KEPT, "norm.weight": np.ones(4), "fc.weight": np.eye(3)})
        assert list(ticket.mask) == [name]
        assert np.array_equal(ticket.mask[name], KEPT)


def test_integers_with_a_zero_point_are_what_they_stand_for():
    numbers = RNG.integers(-5, 6, size=(4, 3, 3, 3)) * KEPT
    for zero, kind in ((128, np.uint8), (-7, np.int8)):
        stored = (numbers + zero).astype(kind)
        for point in ("conv.weight_zero_point", "conv.zero_point", "conv.weight.zero_point", "conv.weight_zp"):
            scale = point.replace("zero_point", "scale").replace("_zp", "_scale")
            arrays = {"conv.weight": stored, point: np.array(zero), scale: np.array(0.5)}
            ticket = Ticket.from_arrays(arrays)
            assert np.array_equal(ticket.weights["conv.weight"], numbers * 0.5)
            assert (ticket.skipped, ticket.notes) == ((), ())
    by_filter = np.array([3, 5, 7, 9])
    arrays = {"w_quantized": numbers + by_filter[:, None, None, None], "w_zero_point": by_filter}
    assert np.array_equal(Ticket.from_arrays(arrays).weights["w"], numbers)


def test_integers_that_seem_to_lack_a_zero_point_are_reported():
    stored = (RNG.integers(1, 6, size=KEPT.shape) * KEPT + 128).astype(np.uint8)
    for name in ("conv", "conv.weight"):
        (note,) = Ticket.from_arrays({name: stored}).notes
        assert note.startswith(f"{name}: integers that are mostly some other number than 0")
    assert Ticket.from_arrays({"conv": stored - 128}).notes == ()


def test_quantized_tensors_of_torch_keep_their_zeros(tmp_path):
    values = torch.from_numpy(WEIGHTS * KEPT)
    with warnings.catch_warnings(action="ignore"):  # deprecated, but in many files
        stored = torch.quantize_per_channel(values, torch.full((4,), 0.1), torch.full((4,), 3), 0, torch.qint8)
    torch.save(
        {"conv.weight": stored, "conv.scale": torch.tensor(0.1), "conv.zero_point": torch.tensor(64)}, tmp_path / "w.pt"
    )
    ticket = Ticket.read(tmp_path / "w.pt")
    assert np.array_equal(ticket.mask["conv.weight"], np.rint(WEIGHTS * KEPT * 10) != 0)
    assert {part.reason for part in ticket.skipped} == {"scale or zero point"}


def test_arrays_that_are_given_are_not_changed():
    arrays = {"conv.weight_orig": WEIGHTS, "conv.weight_mask": KEPT, "bn.weight": np.ones(4)}
    before = copy.deepcopy(arrays)
    Ticket.from_arrays(arrays, threshold=0.5)
    assert list(arrays) == list(before)
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)


def test_layers_keep_the_order_of_the_file():
    arrays = {"b.mask": mask_of(1), "a.weight": mask_of(2) * 0.5, "b.weight": mask_of(5) * 0.5, "c.weight": mask_of(3)}
    assert list(Ticket.from_arrays(arrays).mask) == ["b.weight", "a.weight", "c.weight"]
