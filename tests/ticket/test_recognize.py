"""Which arrays of a file are weights of layers: nothing else is counted, and nothing is skipped without a word."""

import numpy as np
import pytest
import snntorch
import torch
from sinabs.layers import IAFSqueeze
from spikingjelly.activation_based import layer as sj_layer
from spikingjelly.activation_based import neuron

import uticket as ut
from tests.helpers import LAYER, layer_of, mask_of, write_foreign
from uticket.base.errors import InputError
from uticket.foreign.contents import Contents, Skipped
from uticket.ticket.recognize import recognize
from uticket.ticket.ticket import Ticket

RNG = np.random.default_rng(0)


def values_of(*shape: int) -> np.ndarray:
    """Pruned weights of a shape, half of them."""
    return (RNG.normal(size=shape) * (RNG.random(shape) < 0.5)).astype(np.float32)


def saved(tmp_path, module: torch.nn.Module) -> str:
    torch.save(module.state_dict(), tmp_path / "w.pt")
    return str(tmp_path / "w.pt")


def reasons(ticket: Ticket) -> dict[str, str]:
    return {part.name: part.reason for part in ticket.skipped}


def test_states_of_neurons_are_no_layers(tmp_path):
    """As snnTorch, sinabs and SpikingJelly keep them: audit once said latency 8,288 where 96 is right."""
    conv = torch.nn.Conv2d(3, 16, 3, padding=1)
    net = torch.nn.Sequential(conv, IAFSqueeze(batch_size=1), torch.nn.Conv2d(16, 16, 3), torch.nn.ReLU())
    net[1](net[0](torch.rand(2, 3, 8, 8)))
    net.register_buffer("mem", torch.rand(2, 16, 8, 8))
    net[3] = torch.nn.Module()
    net[3].register_buffer("v", torch.rand(2, 16, 8, 8))
    net[3].register_buffer("activations", torch.rand(2, 16, 8, 8))
    ticket = Ticket.read(saved(tmp_path, net))
    assert [layer.name for layer in ticket.layers] == ["0.weight", "2.weight"]
    assert {name for name, why in reasons(ticket).items() if why == "state of a neuron"} == {
        "mem",
        "1.v_mem",
        "3.v",
        "3.activations",
    }
    assert ut.audit(ticket, ut.Array(pes=16)).network.latency_cycles == 3 * 9 + 16 * 9
    numbers = sum(value.numel() for value in net.state_dict().values())
    assert ticket.reading.numbers == numbers
    assert ticket.reading.share == pytest.approx(1 - (16 * 3 * 9 + 16 * 16 * 9) / numbers)


@pytest.mark.parametrize("name", ["mem", "mem1", "lif.v", "lif.u", "spk_rec", "lif.activations", "n.v_seq", "membrane"])
def test_states_are_known_by_name_in_files_without_module_names_too(name):
    ticket = Ticket.from_arrays({"conv": mask_of(1), name: values_of(2, 4, 8, 8)})
    assert (list(ticket.mask), reasons(ticket)) == (["conv"], {name: "state of a neuron"})


def test_a_letter_may_be_the_name_of_a_layer():
    assert list(Ticket.from_arrays({"v": mask_of(1), "i": mask_of(2)}).mask) == ["v", "i"]
    assert list(Ticket.from_arrays({"conv.weight": mask_of(1), "v": mask_of(2)}).mask) == ["conv.weight"]


def test_recurrent_convolutions_are_layers(tmp_path):
    net = torch.nn.ModuleDict({"lif": snntorch.RLeaky(beta=0.9, conv2d_channels=3, kernel_size=3)})
    assert [layer.name for layer in Ticket.read(saved(tmp_path, net)).layers] == ["lif.recurrent.weight"]


def test_gains_and_other_buffers_of_modules_are_skipped():
    arrays = {"conv.weight": mask_of(1), "conv.gain": np.ones((4, 1, 1, 1)), "conv.offset": np.ones((4, 1, 1, 1))}
    arrays |= {"te.p": np.ones((4, 1, 1, 1, 1)), "my.buffer": values_of(2, 4, 8, 8)}
    ticket = Ticket.from_arrays(arrays)
    assert list(ticket.mask) == ["conv.weight"]
    assert reasons(ticket) == {
        "conv.gain": "gain",
        "conv.offset": "gain",
        "te.p": "gain",
        "my.buffer": "not named as weights",
    }


def test_array_without_a_module_beside_named_weights_is_a_layer_and_reported():
    ticket = Ticket.from_arrays({"a.weight": mask_of(1), "conv9": mask_of(2)})
    assert list(ticket.mask) == ["a.weight", "conv9"]
    assert ticket.notes == ("conv9: taken as layers by their shape, though not named as weights",)


class Projections(torch.nn.Module):
    """Attention as in Spikformer: Conv1d projections over tokens, norms, embeddings, one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = torch.nn.Conv2d(3, 8, 3)
        self.pos_embed = torch.nn.Parameter(torch.rand(1, 6, 8))
        self.class_token = torch.nn.Parameter(torch.rand(1, 1, 8))
        self.offsets = torch.nn.Parameter(torch.rand(1, 6, 8))
        self.q = torch.nn.Conv1d(8, 8, 1)
        self.mlp = torch.nn.Conv1d(8, 32, 1)
        self.norm = torch.nn.LayerNorm((6, 8))
        self.bn = sj_layer.BatchNorm1d(8)
        self.head = torch.nn.Linear(8, 10)
        self.token_embedding = torch.nn.Embedding(11, 8)


def test_conv1d_projections_are_convolutions_of_height_1(tmp_path):
    net = Projections()
    ticket = Ticket.read(saved(tmp_path, net))
    assert [layer.name for layer in ticket.on_pes] == ["patch_embed.weight", "q.weight", "mlp.weight"]
    assert [layer.weight_shape for layer in ticket.layers] == [(8, 3, 3, 3), (8, 8, 1, 1), (32, 8, 1, 1)]
    assert np.array_equal(ticket.weights["mlp.weight"][:, :, 0, 0], net.mlp.weight.detach().numpy()[:, :, 0])
    assert reasons(ticket) == {
        "pos_embed": "embedding",
        "class_token": "embedding",
        "offsets": "not named as weights",
        "q.bias": "biases",
        "patch_embed.bias": "biases",
        "mlp.bias": "biases",
        "head.bias": "biases",
        "norm.weight": "weights of a norm",
        "norm.bias": "biases",
        "bn.weight": "vectors",
        "bn.bias": "biases",
        "bn.running_mean": "statistics of a norm",
        "bn.running_var": "statistics of a norm",
        "bn.num_batches_tracked": "statistics of a norm",
        "head.weight": "linear layers, which run with --linear",
        "token_embedding.weight": "embedding",
    }
    with_linear = Ticket.read(saved(tmp_path, net), linear=True)
    assert [layer.name for layer in with_linear.on_pes][3:] == ["head.weight"]
    assert (with_linear.layers[3].kind, with_linear.layers[2].kind) == ("linear", "conv")


@pytest.mark.parametrize("make", [lambda: neuron.PSN(T=4), lambda: neuron.MaskedPSN(k=2, T=4)])
def test_matrices_of_parallel_neurons_are_no_layers(tmp_path, make):
    net = torch.nn.Sequential(torch.nn.Linear(4, 4), make())
    ticket = Ticket.read(saved(tmp_path, net), linear=True)
    assert list(ticket.mask) == ["0.weight"]  # as square as the other
    assert reasons(ticket)["1.weight"] == "matrix of parallel neurons"
    named = Ticket.from_arrays({"fc.weight": np.eye(4), "psn1.weight": np.eye(4) * 2}, linear=True)
    assert list(named.mask) == ["fc.weight"]


def test_kernels_of_five_axes_are_convolutions_if_they_are_flat():
    flat, deep = values_of(4, 3, 5, 5, 1), values_of(4, 3, 3, 5, 5)
    ticket = Ticket.from_arrays({"a.weight": flat, "b.weight": values_of(4, 3, 1, 2, 2), "c.weight": deep})
    assert np.array_equal(ticket.weights["a.weight"], flat[..., 0])
    assert ticket.layers[1].weight_shape == (4, 3, 2, 2)
    assert reasons(ticket) == {"c.weight": "5-D arrays"}
    assert Ticket.from_arrays({"c.weight": values_of(4, 3, 3, 1, 5)}).layers == ()


def test_layers_of_the_same_values_are_counted_once_and_reported(tmp_path):
    net = torch.nn.Module()
    net.conv = torch.nn.Conv2d(3, 8, 3)
    net.features = torch.nn.Sequential(net.conv)
    ticket = Ticket.read(saved(tmp_path, net))
    assert list(ticket.mask) == ["conv.weight"]
    assert reasons(ticket)["features.0.weight"] == "the same values as conv.weight"
    assert ticket.notes == (
        "features.0.weight: the same values as other layers, so counted once; give layers.json for each",
    )
    both = [layer_of(8, 3, name=name) for name in ("conv", "features.0.weight")]
    arrays = {name: value.numpy() for name, value in net.state_dict().items()}
    assert len(Ticket.from_arrays(arrays, layers=both).layers) == 2
    assert len(Ticket.from_arrays({"a": mask_of(1), "b": mask_of(1)}).layers) == 2  # masks are often the same


def test_depthwise_is_certain_after_as_many_filters_and_by_name_else_a_guess():
    arrays = {"a.weight": values_of(8, 1, 3, 3), "b.weight": values_of(8, 1, 3, 3), "c.weight": values_of(16, 8, 1, 1)}
    arrays |= {"d.weight": values_of(6, 1, 3, 3), "e.dwconv.weight": values_of(5, 1, 3, 3)}
    ticket = Ticket.from_arrays(arrays)
    assert [layer.groups for layer in ticket.layers] == [1, 8, 1, 1, 5]
    assert [layer.channels for layer in ticket.layers] == [1, 8, 8, 1, 5]
    assert ticket.notes == ("d.weight: perhaps of several groups, but read as of one",)
    known = layer_of(6, 6, name="d", groups=6)
    described = Ticket.from_arrays(arrays, layers=[known])
    assert described.layers[3].groups == 6
    assert described.notes == ()


def test_groups_are_not_suspected_where_branches_and_shortcuts_end():
    branches = [(64, 3, 3), (16, 64, 1), (64, 16, 1), (64, 16, 3), (16, 128, 1)]
    shortcut_first = [(64, 3, 3), (128, 64, 1), (128, 64, 3), (128, 128, 3)]
    after_one_filter = [(8, 3, 3), (1, 8, 3), (6, 1, 3)]
    for shapes in (branches, shortcut_first, after_one_filter):
        arrays = {f"{n}.weight": values_of(a, b, k, k) for n, (a, b, k) in enumerate(shapes)}
        assert Ticket.from_arrays(arrays).notes == ()


def test_described_layers_are_layers_whatever_they_are_called():
    known = [LAYER.model_copy(update={"name": name}) for name in ("lif.mem", "x.buffer")]
    arrays = {"conv.weight": mask_of(1), "lif.mem": mask_of(2), "x.buffer": mask_of(3), "y.buffer": mask_of(4)}
    assert list(Ticket.from_arrays(arrays, layers=known).mask) == ["conv.weight", "lif.mem", "x.buffer"]


def test_weights_up_to_the_threshold_are_pruned():
    values = np.array([[0.5, -0.25, 1e-9, 0.25], [0, -2, 0.3, -1e-9]], np.float32)[:, :, None, None]
    for threshold, kept in ((0, 7), (1e-8, 5), (0.25, 3), (3, 0)):
        ticket = Ticket.from_arrays({"conv": values}, threshold=threshold)
        assert ticket.mask.num_kept == kept
    with pytest.raises(InputError, match="threshold: expected a number from 0 on, got -1"):
        Ticket.from_arrays({"conv": values}, threshold=-1)


def test_many_weights_far_below_the_rest_are_reported_with_a_threshold_that_helps():
    kept = RNG.random((8, 4, 3, 3)) < 0.3
    values = np.where(kept, RNG.uniform(0.01, 0.1, kept.shape), RNG.uniform(0.2e-9, 0.9e-9, kept.shape))
    (note,) = Ticket.from_arrays({"conv.weight": values}).notes
    assert "nonzero weights are below 1e-05 of the largest; --threshold 1e-09 counts them as pruned" in note
    helped = Ticket.from_arrays({"conv.weight": values}, threshold=1e-9)
    assert helped.notes == ()
    assert np.array_equal(helped.mask["conv.weight"], kept)
    dense = RNG.normal(size=(64, 64, 3, 3))
    assert Ticket.from_arrays({"conv.weight": dense}).notes == ()


def test_what_the_file_itself_lacked_is_counted_and_listed_too():
    contents = Contents(
        {"conv.weight": mask_of(1)}, (Skipped("optimizer", "state of an optimizer", 28),), notes=("the second of two",)
    )
    reading = recognize(contents).reading
    assert (reading.numbers, reading.share) == (100, 0.28)
    assert reading.notes == ("the second of two",)
    assert reading.as_json()["parts"][0] == {
        "name": "optimizer",
        "reason": "state of an optimizer",
        "numbers": 28,
        "share": 0.28,
    }


def test_nothing_to_run_is_an_error_that_says_what_was_skipped(tmp_path):
    path = write_foreign(tmp_path / "w.npz", {"fc.weight": values_of(3, 3), "lif.mem": values_of(1, 1, 1, 1)})
    with pytest.raises(InputError, match=r"got none \(skipped: 100.0 % of the numbers: linear layers, which .* 90.0 %"):
        ut.audit(Ticket.read(path))
