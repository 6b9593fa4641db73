"""Ways in which networks keep weights, masks and states in a file, and the weights that are right, by numpy.

docs/files.md has a table of them, written by `python -m tests.ticket.conventions`. A new one is a function marked
@convention.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import snntorch
import torch
from sinabs.layers import IAFSqueeze
from spikingjelly.activation_based import neuron
from torch import nn
from torch.ao.pruning import WeightNormSparsifier
from torch.nn.utils import parametrizations, prune

from tests.helpers import ROOT
from uticket.report.readme import write_between

Arrays = dict[str, Any]
DOCS = ROOT / "docs" / "files.md"
BEGIN, END = "<!-- conventions -->", "<!-- end of conventions -->"
RNG = np.random.default_rng(2)
KEPT = RNG.random((4, 3, 3, 3)) < 0.4
TRAINED = RNG.normal(size=KEPT.shape).astype(np.float32)
PRUNED = TRAINED * KEPT
MATRIX = (RNG.normal(size=(4, 4)) * (RNG.random((4, 4)) < 0.5)).astype(np.float32)


@dataclass(frozen=True)
class Case:
    """A file, how it is read, and what is right: the weights of its layers, and a word of each note."""

    arrays: Arrays
    expected: Arrays
    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Convention:
    """A way to keep weights. read_as: what the table says about it."""

    words: str
    read_as: str
    make: Callable[[], Case]


CONVENTIONS: list[Convention] = []


def convention(words: str, read_as: str) -> Any:
    """Add a convention."""

    def add(make: Callable[[], Case]) -> Any:
        CONVENTIONS.append(Convention(words, read_as, make))
        return make

    return add


def conv_of(values: np.ndarray) -> nn.Conv2d:
    """A convolution with these weights."""
    conv = nn.Conv2d(values.shape[1], values.shape[0], values.shape[2:])
    conv.weight.data = torch.from_numpy(values.copy())
    return conv


def state(module: nn.Module, prefix: str = "") -> Arrays:
    """The state dict of a module as arrays."""
    return {prefix + name: value.numpy().copy() for name, value in module.state_dict().items()}


@convention("state dict with states of neurons: `mem`, `spk` and `v_mem` of snnTorch and sinabs", "skipped")
def states() -> Case:
    layer = IAFSqueeze(batch_size=1)
    layer(torch.rand(2, 4, 6, 6))
    lif = snntorch.Leaky(beta=0.9, init_hidden=True, learn_beta=True)
    arrays = state(conv_of(PRUNED), "0.") | state(layer, "1.") | state(lif, "2.")
    return Case(arrays | {"mem": np.ones((1, 4, 6, 6)), "2.spk": np.ones((1, 4, 6, 6))}, {"0.weight": PRUNED})


@convention("buffers `v` and `activations` of modules", "skipped")
def buffers() -> Case:
    held = {"lif.v": np.ones((2, 4, 6, 6)), "lif.activations": np.ones((2, 4, 6, 6))}
    return Case(state(conv_of(PRUNED), "conv.") | held, {"conv.weight": PRUNED})


@convention("gains, (C, 1, 1, 1)", "skipped")
def gains() -> Case:
    return Case(state(conv_of(PRUNED), "c.") | {"c.gain": np.ones((4, 1, 1, 1))}, {"c.weight": PRUNED})


@convention("`torch.nn.utils.prune`: `weight_orig`, `weight_mask`", "weights x mask")
def pruned_by_torch() -> Case:
    conv = conv_of(TRAINED)
    prune.custom_from_mask(conv, "weight", torch.from_numpy(KEPT))
    return Case(state(conv, "c."), {"c.weight": PRUNED})


@convention("`weight` with a buffer `mask` in its module", "weights x mask")
def mask_buffer() -> Case:
    conv = conv_of(TRAINED)
    conv.register_buffer("mask", torch.from_numpy(KEPT))
    return Case(state(conv, "c."), {"c.weight": PRUNED})


@convention("`weight` with `weight_mask` of a wrapper around its module (NNI)", "weights x mask")
def mask_of_wrapper() -> Case:
    return Case(state(conv_of(TRAINED), "c.module.") | {"c.weight_mask": KEPT}, {"c.module.weight": PRUNED})


@convention("a mask of whole filters, (C,)", "weights x mask")
def mask_of_filters() -> Case:
    kept = np.array([1.0, 0, 1, 1])
    return Case({"c.weight": TRAINED, "c.weight_mask": kept}, {"c.weight": TRAINED * kept[:, None, None, None]})


@convention("scores in place of a mask", "weights as stored, a note")
def scores() -> Case:
    note = "c.popup_scores: named as masks or scores, but not 0 and 1"
    return Case({"c.weight": TRAINED, "c.popup_scores": TRAINED[::-1]}, {"c.weight": TRAINED}, notes=(note,))


@convention("weight_norm, old: `weight_g`, `weight_v`", "direction / norm x length")
def old_weight_norm() -> Case:
    with warnings.catch_warnings(action="ignore"):  # deprecated, but in many files
        conv = nn.utils.weight_norm(conv_of(PRUNED))
    return Case(state(conv, "c."), {"c.weight": PRUNED})


@convention("weight_norm, new: `parametrizations.weight.original0`, `original1`", "direction / norm x length")
def new_weight_norm() -> Case:
    return Case(state(parametrizations.weight_norm(conv_of(PRUNED)), "c."), {"c.weight": PRUNED})


@convention("spectral_norm, old and new", "divided by the largest singular value")
def spectral_norm() -> Case:
    conv = parametrizations.spectral_norm(conv_of(PRUNED)).eval()
    with torch.no_grad():
        right = conv.weight.numpy().copy()
    return Case(state(conv, "c."), {"c.weight": right})


@convention("FakeSparsity of torch.ao.pruning, whose mask is not in the file", "weights as stored, a note")
def fake_sparsity() -> Case:
    net = nn.Sequential(nn.Linear(4, 4))
    net[0].weight.data = torch.from_numpy(MATRIX + 1)
    sparsifier = WeightNormSparsifier(sparsity_level=0.5)
    sparsifier.prepare(net, [{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    return Case(state(net), {"0.weight": MATRIX + 1}, {"linear": True}, ("whose mask is not in the file",))


@convention("Conv1d projections, three axes", "convolutions of height 1")
def projections() -> Case:
    conv = nn.Conv1d(4, 4, 1)
    conv.weight.data = torch.from_numpy(MATRIX[:, :, None].copy())
    return Case(state(conv, "attn.q."), {"attn.q.weight": MATRIX[:, :, None, None]})


@convention("square matrices of parallel neurons (PSN of SpikingJelly), beside linear layers", "skipped")
def parallel_neurons() -> Case:
    return Case({"fc.weight": MATRIX} | state(neuron.PSN(T=4), "psn."), {"fc.weight": MATRIX}, {"linear": True})


@convention("embeddings, positions, class tokens, weights of norms of several axes", "skipped")
def embeddings() -> Case:
    arrays = {"pos_embed": np.ones((1, 4, 4)), "cls_token": np.ones((1, 1, 4)), "fc.weight": MATRIX}
    arrays |= state(nn.Embedding(5, 4), "embed.") | state(nn.LayerNorm((4, 4)), "ln.")
    return Case(arrays, {"fc.weight": MATRIX}, {"linear": True})


@convention("kernels of Keras and Flax, HWIO", "with `--layout hwio`; a note without")
def hwio() -> Case:
    arrays = {"conv/kernel": PRUNED.transpose(2, 3, 1, 0).copy(), "fc/kernel": MATRIX.T.copy()}
    return Case(arrays, {"conv/kernel": PRUNED, "fc/kernel": MATRIX}, {"layout": "hwio", "linear": True})


@convention("kernels in HWIO, read as OIHW", "as they are not, a note")
def hwio_as_oihw() -> Case:
    stored = RNG.normal(size=(3, 3, 4, 8))
    return Case({"conv": stored}, {"conv": stored}, notes=("conv: by shape, bias or name rather HWIO, see --layout",))


@convention("transposed convolutions, IOHW", "with `--layout NAME=iohw`; a note without")
def iohw() -> Case:
    deconv = nn.ConvTranspose2d(3, 4, 3)
    deconv.weight.data = torch.from_numpy(PRUNED.swapaxes(0, 1).copy())
    return Case(state(deconv, "up."), {"up.weight": PRUNED}, {"layout": {"up": "iohw"}})


@convention("weights revived to about 1e-9", "with `--threshold 1e-8`; a note without")
def revived() -> Case:
    return Case({"c.weight": np.where(KEPT, TRAINED, 1e-9)}, {"c.weight": PRUNED}, {"threshold": 1e-8})


@convention("integers with a zero point and a scale", "(integers - zero point) x scale")
def zero_point() -> Case:
    whole = np.rint(PRUNED * 20)
    arrays = {"c.weight": (whole + 128).astype(np.uint8), "c.weight_zero_point": np.array(128)}
    return Case(arrays | {"c.weight_scale": np.array(0.05)}, {"c.weight": whole * 0.05})


@convention("integers without their zero point", "as stored, a note")
def no_zero_point() -> Case:
    stored = np.rint(PRUNED * 20).astype(np.int16) + 128
    return Case({"c.weight": stored}, {"c.weight": stored}, notes=("mostly some other number than 0",))


@convention("a layer that two modules hold", "once, a note")
def held_twice() -> Case:
    net = nn.ModuleDict({"conv": conv_of(PRUNED)})
    net["whole"] = nn.Sequential(net["conv"])
    return Case(state(net), {"conv.weight": PRUNED}, notes=("whole.0.weight: the same values as other layers",))


@convention("kernels of one channel after as many filters", "depthwise")
def after_as_many() -> Case:
    one = PRUNED[:, :1]
    return Case({"a.weight": PRUNED, "b.weight": one}, {"a.weight": PRUNED, "b.weight": one})


@convention("other kernels of one channel, kernels of few channels after many filters", "one group, a note")
def perhaps_depthwise() -> Case:
    arrays = {"a.weight": RNG.normal(size=(16, 3, 3, 3)), "b.weight": RNG.normal(size=(8, 4, 3, 3))}
    arrays |= {"c.weight": RNG.normal(size=(4, 8, 1, 1)), "d.weight": PRUNED[:3, :1]}
    return Case(arrays, arrays, notes=("b.weight, d.weight: perhaps of several groups",))


def table() -> str:
    """The table of docs/files.md."""
    rows = [f"| {entry.words} | {entry.read_as} |" for entry in CONVENTIONS]
    return "\n".join(["| in a file | read |", "|---|---|", *rows])


if __name__ == "__main__":
    write_between(DOCS, BEGIN, END, table())
